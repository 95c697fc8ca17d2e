/*
 * The model behind a generated spool: who sends what to whom.
 *
 * One account is hacked and sends most of the mail: in bursts, from several addresses, with forged
 * senders, to one or to fifty recipients, and rarely to a thousand. The rest is what a healthy
 * server has: accounts that follow Zipf's law, unauthenticated mail, bounces. Everything comes from
 * a hash of seed, message number and purpose; there is no state.
 */
#include "bench/mkspool.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define BURSTS          3
#define BURST_SECONDS   1200
#define HISTORY_SECONDS (4 * 86400)
#define FORGED_SENDERS  9
#define DOMAINS         400
#define MANY_RECIPIENTS 1000
#define DOMAIN_MAX      40

static const char *const words[] = {
    "account", "budget",  "case",   "delivery", "final",   "holiday", "invoice",  "letter",
    "meeting", "minutes", "notice", "offer",    "order",   "parcel",  "password", "payment",
    "photo",   "plan",    "refund", "reminder", "report",  "reset",   "review",   "security",
    "server",  "summer",  "ticket", "update",   "support", "urgent",  "winner",   "draft",
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static const char *const abuse_subjects[] = {
    "Your account is suspended",
    "Invoice overdue: final notice",
    "You have won a prize",
};
static const char *const abuse_clients[] = {
    "192.0.2.17",  "192.0.2.201",   "198.51.100.9",   "198.51.100.44",
    "203.0.113.5", "203.0.113.130", "2001:db8::6:25",
};
static const char *const abuse_names[] = { "Security Team", "Your Bank", "Billing", "CEO" };

enum purpose {
    PURPOSE_KIND,
    PURPOSE_TIME,
    PURPOSE_ACCOUNT,
    PURPOSE_SENDER,
    PURPOSE_CLIENT,
    PURPOSE_SUBJECT,
    PURPOSE_FANOUT,
    PURPOSE_QUEUE,
    PURPOSE_SIZE,
    PURPOSE_RETRY,
    PURPOSE_BODY,
    PURPOSE_RECIPIENT = 100000, /* the recipient's index is added */
};

/* The finaliser of splitmix64: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t draw(const struct spr_mail *mail, uint64_t purpose)
{
    return mix(mail->chance ^ mix(purpose));
}

static uint32_t draw_below(const struct spr_mail *mail, uint64_t purpose, uint32_t limit)
{
    return (uint32_t)((draw(mail, purpose) >> 32) % limit);
}

static double draw_unit(const struct spr_mail *mail, uint64_t purpose)
{
    return (double)(draw(mail, purpose) >> 11) / 9007199254740992.0;
}

/* Zipf's law with exponent 1, close enough: the logarithm of the rank is uniform. */
static uint32_t draw_rank(double unit, uint32_t limit)
{
    uint32_t rank = (uint32_t)exp(unit * log((double)limit + 1.0)) - 1;
    return rank < limit ? rank : limit - 1;
}

static void name_domain(uint32_t domain, char ret_domain[DOMAIN_MAX])
{
    snprintf(ret_domain, DOMAIN_MAX, "%s%u.%s", words[domain % WORDS], domain,
             domain % 3 == 0 ? "invalid" : "test");
}

void spr_mail_account(uint32_t account, char ret_name[SPR_MAIL_TEXT_MAX])
{
    if (account == 0) {
        snprintf(ret_name, SPR_MAIL_TEXT_MAX, "mallory@customer.test");
        return;
    }
    if (account % 7 == 0) { /* some servers have accounts without a domain */
        snprintf(ret_name, SPR_MAIL_TEXT_MAX, "%s%u", words[account % WORDS], account);
        return;
    }
    snprintf(ret_name, SPR_MAIL_TEXT_MAX, "%s.%s%u@customer%u.test", words[account % WORDS],
             words[(account / WORDS) % WORDS], account, account % 97);
}

void spr_mail_recipient(const struct spr_mail *mail, uint32_t index,
                        char ret_address[SPR_MAIL_TEXT_MAX])
{
    uint64_t chance = draw(mail, PURPOSE_RECIPIENT + (uint64_t)index);
    uint64_t base = draw(mail, PURPOSE_RECIPIENT);
    char domain[DOMAIN_MAX];
    /* the digits differ within a message, so no address comes twice */
    uint32_t digits = (uint32_t)((base % 10000 + (uint64_t)index * 7) % 10000);

    name_domain(draw_rank((double)(chance >> 11) / 9007199254740992.0, DOMAINS), domain);
    snprintf(ret_address, SPR_MAIL_TEXT_MAX, "%s.%s%u@%s", words[chance % WORDS],
             words[(chance / WORDS) % WORDS], digits, domain);
}

void spr_mail_body_line(const struct spr_mail *mail, uint32_t line,
                        char ret_line[SPR_MAIL_TEXT_MAX])
{
    uint64_t chance = mix(draw(mail, PURPOSE_BODY) + line);
    size_t length = 0;
    for (unsigned i = 0; i < 9; i++) {
        const char *word = words[(chance >> (i * 5)) % WORDS];
        size_t word_length = strlen(word);
        memcpy(ret_line + length, word, word_length);
        length += word_length;
        ret_line[length++] = ' ';
    }
    ret_line[length - 1] = '\0';
}

static void make_abuse(struct spr_mail *mail, int64_t now)
{
    uint32_t burst = draw_below(mail, PURPOSE_TIME, BURSTS);
    double within = draw_unit(mail, PURPOSE_TIME + 1000);
    mail->is_abuse = true;
    mail->account = 0;
    mail->seconds = now - 3600 - 5400 * (int64_t)burst - (int64_t)(within * BURST_SECONDS);

    uint32_t forged = draw_below(mail, PURPOSE_SENDER, 10);
    char domain[DOMAIN_MAX];
    if (forged < 7) {
        uint32_t which = draw_below(mail, PURPOSE_SENDER + 1000, FORGED_SENDERS);
        name_domain(which * 11, domain);
        snprintf(mail->sender, sizeof(mail->sender), "no-reply@%s", domain);
    } else if (forged < 9) {
        uint32_t which = draw_below(mail, PURPOSE_SENDER + 2000, 100000);
        name_domain(which % DOMAINS, domain);
        snprintf(mail->sender, sizeof(mail->sender), "%s%u@%s", words[which % WORDS], which,
                 domain);
    } else {
        mail->sender[0] = '\0';
    }
    snprintf(mail->header_from, sizeof(mail->header_from), "\"%s\" <%.120s>",
             abuse_names[draw_below(mail, PURPOSE_SENDER + 3000, 4)],
             mail->sender[0] != '\0' ? mail->sender : "no-reply@winner30.invalid");

    size_t clients = sizeof(abuse_clients) / sizeof(abuse_clients[0]);
    uint32_t client = draw_below(mail, PURPOSE_CLIENT, (uint32_t)clients);
    snprintf(mail->client_address, sizeof(mail->client_address), "%s", abuse_clients[client]);
    snprintf(mail->helo, sizeof(mail->helo), "WIN-%05X",
             draw_below(mail, PURPOSE_CLIENT + 1000, 1u << 20));
    snprintf(mail->subject, sizeof(mail->subject), "%s %u",
             abuse_subjects[draw_below(mail, PURPOSE_SUBJECT, 3)],
             draw_below(mail, PURPOSE_SUBJECT + 1000, 100000));

    uint32_t fanout = draw_below(mail, PURPOSE_FANOUT, 2000);
    if (fanout == 0) {
        mail->recipient_count = MANY_RECIPIENTS;
    } else {
        mail->recipient_count = 1 + draw_rank(draw_unit(mail, PURPOSE_FANOUT + 1000), 50);
    }
}

static void make_ordinary(const struct spr_mail_options *options, struct spr_mail *mail)
{
    uint32_t kind = draw_below(mail, PURPOSE_KIND + 1000, 100);
    char domain[DOMAIN_MAX];
    mail->seconds = options->now - 60 - (int64_t)(draw_unit(mail, PURPOSE_TIME) * HISTORY_SECONDS);
    mail->recipient_count = 1 + draw_rank(draw_unit(mail, PURPOSE_FANOUT), 4);
    snprintf(mail->subject, sizeof(mail->subject), "%s %s %s",
             words[draw_below(mail, PURPOSE_SUBJECT, WORDS)],
             words[draw_below(mail, PURPOSE_SUBJECT + 1000, WORDS)],
             words[draw_below(mail, PURPOSE_SUBJECT + 2000, WORDS)]);
    snprintf(mail->client_address, sizeof(mail->client_address), "10.%u.%u.%u",
             draw_below(mail, PURPOSE_CLIENT, 4), draw_below(mail, PURPOSE_CLIENT + 1000, 256),
             draw_below(mail, PURPOSE_CLIENT + 2000, 254) + 1);
    snprintf(mail->helo, sizeof(mail->helo), "client%u.customer.test",
             draw_below(mail, PURPOSE_CLIENT + 3000, 500));

    if (kind < 8) { /* a bounce of our own */
        mail->sender[0] = '\0';
        mail->recipient_count = 1;
        mail->client_address[0] = '\0';
        snprintf(mail->header_from, sizeof(mail->header_from), "MAILER-DAEMON@mx1.customer.test");
        snprintf(mail->subject, sizeof(mail->subject), "Undelivered Mail Returned to Sender");
        return;
    }
    if (kind < 20) {
        name_domain(draw_below(mail, PURPOSE_SENDER, DOMAINS), domain);
        snprintf(mail->sender, sizeof(mail->sender), "%s%u@%s",
                 words[draw_below(mail, PURPOSE_SENDER + 1000, WORDS)],
                 draw_below(mail, PURPOSE_SENDER + 2000, 1000), domain);
    } else {
        mail->account = 1 + draw_rank(draw_unit(mail, PURPOSE_ACCOUNT), options->account_count - 1);
        spr_mail_account(mail->account, mail->account_name);
        snprintf(mail->sender, sizeof(mail->sender), "%.120s%s", mail->account_name,
                 strchr(mail->account_name, '@') != NULL ? "" : "@customer.test");
    }
    snprintf(mail->header_from, sizeof(mail->header_from), "%s", mail->sender);
}

static void make_queue(const struct spr_mail_options *options, struct spr_mail *mail)
{
    uint32_t queue = draw_below(mail, PURPOSE_QUEUE, 100);
    if (queue < options->active_percent) {
        mail->queue = SPR_MAIL_ACTIVE;
    } else if (queue >= 98) {
        mail->queue = SPR_MAIL_HOLD;
    } else if (queue == 97) {
        mail->queue = SPR_MAIL_INCOMING;
    } else {
        mail->queue = SPR_MAIL_DEFERRED;
    }
    int64_t age = options->now - mail->seconds;
    mail->attempts = mail->queue == SPR_MAIL_DEFERRED ? 1 + (uint32_t)(age / 4000) : 0;
    mail->next_retry = mail->queue == SPR_MAIL_DEFERRED
                           ? options->now + 30 + draw_below(mail, PURPOSE_RETRY, 4000)
                           : mail->seconds;
}

void spr_mail_make(const struct spr_mail_options *options, uint64_t number,
                   struct spr_mail *ret_mail)
{
    struct spr_mail *mail = ret_mail;
    *mail = (struct spr_mail){
        .number = number,
        .chance = mix(options->seed ^ mix(number)),
        .account = SPR_MAIL_NO_ACCOUNT,
    };
    if (draw_below(mail, PURPOSE_KIND, 100) < options->hacked_percent) {
        make_abuse(mail, options->now);
        spr_mail_account(0, mail->account_name);
    } else {
        make_ordinary(options, mail);
    }
    make_queue(options, mail);
    mail->microseconds = draw_below(mail, PURPOSE_TIME + 2000, 1000000);
    /* an exponential body with a tail cut at thirty times the mean */
    double body = -log(1.0 - draw_unit(mail, PURPOSE_SIZE)) * options->body_mean_bytes;
    double body_max = 30.0 * options->body_mean_bytes;
    mail->body_bytes = (uint32_t)(body < body_max ? body : body_max);
    /* of one message in thirty, the first half of the recipients has it already */
    bool is_partial = mail->recipient_count > 1 && mail->queue == SPR_MAIL_DEFERRED &&
                      draw_below(mail, PURPOSE_RETRY + 1000, 30) == 0;
    mail->done_count = is_partial ? mail->recipient_count / 2 : 0;
    snprintf(mail->token, sizeof(mail->token), "%llu.%llu.%llx", (unsigned long long)options->seed,
             (unsigned long long)number, (unsigned long long)mail->chance);
}

const char *spr_mail_queue_name(enum spr_mail_queue queue)
{
    static const char *const names[] = { "deferred", "hold", "incoming", "active" };
    return names[queue];
}

void spr_mail_date(int64_t seconds, char ret_date[64])
{
    time_t time = (time_t)seconds;
    struct tm tm;
    gmtime_r(&time, &tm);
    strftime(ret_date, 64, "%a, %e %b %Y %H:%M:%S +0000 (UTC)", &tm);
}
