/*
 * The model behind a generated spool: who sends what to whom, and when.
 *
 * One account is hacked and sends most of the mail: in bursts, from several addresses, with forged
 * senders, to up to fifty recipients, and rarely to a thousand. The rest is what a healthy server
 * has: accounts that follow Zipf's law, unauthenticated mail, bounces. Of all messages 70 % have
 * one recipient and the mean is 5.3. Recipients follow Zipf's law over so many people that about
 * 1.07 different addresses a message appear, from 100,000 to a few million messages.
 *
 * Messages are numbered in the order of their arrival. Everything else comes from a hash of seed,
 * message number and purpose; there is no state.
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
#define DOMAIN_MAX      40

#define TAIL_RECIPIENTS    50
#define MANY_RECIPIENTS    1000
#define MANY_OF            2500 /* one abusive message in so many has many recipients */
#define PEOPLE_PER_MESSAGE 3
#define PROVIDER_PERCENT   40    /* of the addresses are at one of the big providers */
#define LARGE_OF           20000 /* one file in so many is large */

#define SLICE_STEP 7919u /* a prime above MANY_RECIPIENTS, so that each slice is met once */
#define SCATTER    1000003u

static const char *const words[] = {
    "account", "budget",  "case",   "delivery", "final",   "holiday", "invoice",  "letter",
    "meeting", "minutes", "notice", "offer",    "order",   "parcel",  "password", "payment",
    "photo",   "plan",    "refund", "reminder", "report",  "reset",   "review",   "security",
    "server",  "summer",  "ticket", "update",   "support", "urgent",  "winner",   "draft",
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static const char *const providers[] = { "freemail.test", "postbox.test",    "webmail.invalid",
                                         "inbox.test",    "letters.invalid", "mailhost.test" };
#define PROVIDERS (sizeof(providers) / sizeof(providers[0]))

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

/*
 * The index-th recipient comes from the index-th slice of the distribution, in an order of the
 * message's own, and is moved by its slice's number: so each follows Zipf's law and no address
 * comes twice within a message. The multiplier scatters popular and rare people over the numbers;
 * it is a prime that does not divide the number of people, so no two get the same.
 */
void spr_mail_recipient(const struct spr_mail *mail, uint32_t index,
                        char ret_address[SPR_MAIL_TEXT_MAX])
{
    uint64_t person = mail->recipient_base + index;
    if (mail->recipient_base == 0) {
        uint32_t first = draw_below(mail, PURPOSE_FANOUT + 2000, mail->recipient_count);
        uint32_t slice = (index * SLICE_STEP + first) % mail->recipient_count;
        double within = draw_unit(mail, PURPOSE_RECIPIENT + (uint64_t)index);
        double unit = ((double)slice + within) / mail->recipient_count;
        person = (uint64_t)exp(unit * log((double)(mail->people - MANY_RECIPIENTS))) - 1 + slice;
    }
    uint64_t number = person * SCATTER % mail->people;
    uint64_t chance = mix(number);
    double unit = (double)(chance >> 11) / 9007199254740992.0;
    char domain[DOMAIN_MAX];
    if (mix(chance) % 100 < PROVIDER_PERCENT) {
        snprintf(domain, sizeof(domain), "%s", providers[draw_rank(unit, PROVIDERS)]);
    } else {
        name_domain(draw_rank(unit, (uint32_t)mail->domains), domain);
    }
    snprintf(ret_address, SPR_MAIL_TEXT_MAX, "%s%llu@%s", words[chance % WORDS],
             (unsigned long long)number, domain);
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

/* Of so many in a hundred one recipient, else up to TAIL_RECIPIENTS, their logarithm uniform. */
static uint32_t draw_fanout(const struct spr_mail *mail, uint32_t single_percent)
{
    if (draw_below(mail, PURPOSE_FANOUT, 100) < single_percent) {
        return 1;
    }
    double unit = draw_unit(mail, PURPOSE_FANOUT + 1000);
    return (uint32_t)(2.0 * exp(unit * log((TAIL_RECIPIENTS + 1) / 2.0)));
}

/*
 * When the message came, and whether it is one of the hacked account: ordinary mail comes evenly,
 * abuse evenly within each burst. The number's place among all numbers is looked up in the sum of
 * both, from the oldest second to the youngest; so time rises with the number.
 */
static void make_time(const struct spr_mail_options *options, struct spr_mail *mail)
{
    double abuse = options->hacked_percent / 100.0 / BURSTS;
    double ordinary = (1.0 - options->hacked_percent / 100.0) / HISTORY_SECONDS;
    double place = ((double)mail->number + draw_unit(mail, PURPOSE_TIME)) / (double)options->count;
    double start = -60.0 - HISTORY_SECONDS, age = -60.0, abuse_share = 0;

    for (int piece = 0; piece <= 2 * BURSTS; piece++) {
        bool in_burst = piece % 2 == 1;
        double burst_end = -3600.0 - 5400.0 * (BURSTS - 1 - piece / 2);
        double end = in_burst ? burst_end : piece < 2 * BURSTS ? burst_end - BURST_SECONDS : -60.0;
        double share = ordinary * (end - start) + (in_burst ? abuse : 0);
        if (place < share) {
            age = start + (end - start) * place / share;
            abuse_share = in_burst ? abuse / share : 0;
            break;
        }
        place -= share;
        start = end;
    }
    double whole = floor(age);
    mail->seconds = options->now + (int64_t)whole;
    mail->microseconds = (uint32_t)((age - whole) * 1e6) % 1000000;
    mail->is_abuse = draw_unit(mail, PURPOSE_KIND) < abuse_share;
}

static void make_abuse(struct spr_mail *mail)
{
    mail->account = 0;
    spr_mail_account(0, mail->account_name);

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

    bool has_many = draw_below(mail, PURPOSE_FANOUT + 3000, MANY_OF) == 0;
    mail->recipient_count = has_many ? MANY_RECIPIENTS : draw_fanout(mail, 60);
}

static void make_ordinary(const struct spr_mail_options *options, struct spr_mail *mail)
{
    uint32_t kind = draw_below(mail, PURPOSE_KIND + 1000, 100);
    char domain[DOMAIN_MAX];
    mail->recipient_count = draw_fanout(mail, 85);
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
    mail->next_retry = mail->seconds;
    if (mail->queue != SPR_MAIL_DEFERRED) {
        return;
    }
    /* as Postfix does: wait as long again as it has waited, 300 to 4000 seconds */
    int64_t age = options->now - mail->seconds, due = 0;
    while (due <= age) {
        due += due < 300 ? 300 : due > 4000 ? 4000 : due;
        mail->attempts++;
    }
    mail->next_retry += due + draw_below(mail, PURPOSE_RETRY, 300);
}

/* The logarithm is uniform from 0.16 to 3.2 times the mean; of a large file 160 to 1600 times. */
static uint32_t draw_size(const struct spr_mail *mail, uint32_t mean_bytes)
{
    double unit = draw_unit(mail, PURPOSE_SIZE);
    if (draw_below(mail, PURPOSE_SIZE + 1000, LARGE_OF) == 0) {
        return (uint32_t)(160.0 * exp(unit * log(10.0)) * mean_bytes);
    }
    return (uint32_t)(log(20.0) / 19.0 * exp(unit * log(20.0)) * mean_bytes);
}

static void make_people(const struct spr_mail_options *options, struct spr_mail *mail)
{
    mail->domains = DOMAINS + options->count / 50;
    if (options->unique_recipients) {
        mail->people = (options->count + 1) * MANY_RECIPIENTS + 1;
        mail->recipient_base = (mail->number + 1) * MANY_RECIPIENTS;
    } else {
        mail->people = options->count * PEOPLE_PER_MESSAGE + MANY_RECIPIENTS + 1;
    }
    if (mail->people % SCATTER == 0) {
        mail->people++;
    }
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
    make_time(options, mail);
    if (mail->is_abuse) {
        make_abuse(mail);
    } else {
        make_ordinary(options, mail);
    }
    make_people(options, mail);
    make_queue(options, mail);
    mail->file_bytes = draw_size(mail, options->file_mean_bytes);
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
