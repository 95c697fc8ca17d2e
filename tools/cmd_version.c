/*
 * spoolray version: the version, and which I/O engine would run here and why.
 */
#include "tools/cli.h"
#include "tools/print_json.h"
#include "tools/session.h"

int spr_cmd_version(struct spr_cli *cli)
{
    struct spr_options options;
    struct spr_engine_report engine;
    spr_session_options(cli, &options);
    spr_engine_probe(options.engine, &engine);
    if (cli->json) {
        struct spr_out out;
        struct spr_json json;
        spr_out_begin(&out, stdout);
        spr_json_begin(&json, &out, "spoolray.version/1");
        spr_json_string(&json, "version", spr_version());
        spr_json_string(&json, "engine", engine.engine);
        spr_json_string(&json, "engine_reason", engine.reason);
        spr_json_end(&json);
        spr_out_end(&out);
        return SPR_EXIT_DONE;
    }
    (void)printf("spoolray %s\nengine %s: %s\n", spr_version(), engine.engine, engine.reason);
    return SPR_EXIT_DONE;
}
