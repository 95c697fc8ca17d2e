/*
 * One walk over the expression. What is not surely understood ends it without an answer:
 * alternatives, settings and verbs anywhere, and escapes that may take more than one character.
 */
#include "core/query/literal.h"

#include <stdbool.h>
#include <string.h>

struct walk {
    struct spr_text regex;
    size_t at;
    unsigned depth; /* of groups */
    size_t run;     /* where the run in hand begins */
    bool has_run, is_lost;
    struct spr_text best;
};

static uint8_t byte_at(const struct walk *walk, size_t at)
{
    return at < walk->regex.length ? walk->regex.bytes[at] : 0;
}

/* The run in hand ends before `end`. */
static void end_run(struct walk *walk, size_t end)
{
    if (walk->has_run && end - walk->run > walk->best.length) {
        walk->best = (struct spr_text){ walk->regex.bytes + walk->run, end - walk->run };
    }
    walk->has_run = false;
}

/* Within groups nothing counts: they may be left out. */
static void add_literal(struct walk *walk, size_t at)
{
    if (!walk->has_run && walk->depth == 0) {
        walk->run = at;
        walk->has_run = true;
    }
    walk->at = at + 1;
}

static bool is_word(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z');
}

/* A backslash and this byte are all there is of the escape, and it stands for one character or
 * place that is none of ours. */
static bool is_class_escape(uint8_t byte)
{
    return byte != 0 && strchr("dDwWsSbBAzZhHvVRntrfae", byte) != NULL;
}

/* A backslash and this byte are the byte. */
static bool is_plain_escape(uint8_t byte)
{
    return byte > ' ' && byte < 0x7f && !is_word(byte);
}

static void skip_class(struct walk *walk)
{
    size_t at = walk->at + 1;
    at += byte_at(walk, at) == '^';
    at += byte_at(walk, at) == ']'; /* as the first one it stands for itself */
    for (; at < walk->regex.length; at++) {
        const uint8_t byte = walk->regex.bytes[at];
        if (byte == ']') {
            walk->at = at + 1;
            return;
        }
        if (byte == '[') {
            break;
        }
        if (byte == '\\') {
            const uint8_t escaped = byte_at(walk, ++at);
            if (!is_class_escape(escaped) && !is_plain_escape(escaped)) {
                break;
            }
        }
    }
    walk->is_lost = true;
}

static void take_escape(struct walk *walk)
{
    const uint8_t byte = byte_at(walk, walk->at + 1);
    end_run(walk, walk->at);
    if (is_plain_escape(byte)) {
        add_literal(walk, walk->at + 1);
    } else if (is_class_escape(byte)) {
        walk->at += 2;
    } else {
        walk->is_lost = true;
    }
}

/* What stands before a quantifier may be missing, after a '+' come again. A brace that does not
 * hold a count stands for itself, and what is in it for anything. */
static void take_quantifier(struct walk *walk)
{
    const uint8_t byte = walk->regex.bytes[walk->at];
    end_run(walk, byte == '+' ? walk->at : walk->at - 1);
    walk->at++;
    if (byte == '{') {
        uint8_t next = byte_at(walk, walk->at);
        while ((next >= '0' && next <= '9') || next == ',' || next == ' ') {
            next = byte_at(walk, ++walk->at);
        }
        walk->is_lost = next != '}';
        walk->at++;
    }
}

static void take_group(struct walk *walk)
{
    const uint8_t next = byte_at(walk, walk->at + 1);
    end_run(walk, walk->at);
    if (walk->regex.bytes[walk->at] == '(') {
        walk->depth++;
        walk->is_lost = next == '?' || next == '*';
    } else if (walk->depth > 0) {
        walk->depth--;
    }
    walk->at++;
}

static void take_character(struct walk *walk)
{
    const uint8_t byte = walk->regex.bytes[walk->at];
    switch (byte) {
    case '|':
        walk->is_lost = true;
        return;
    case '(':
    case ')':
        take_group(walk);
        return;
    case '[':
        end_run(walk, walk->at);
        skip_class(walk);
        return;
    case '\\':
        take_escape(walk);
        return;
    case '*':
    case '?':
    case '+':
    case '{':
        take_quantifier(walk);
        return;
    case '.':
    case '^':
    case '$':
        end_run(walk, walk->at++);
        return;
    default:
        if (byte >= ' ' && byte < 0x7f) {
            add_literal(walk, walk->at);
        } else {
            end_run(walk, walk->at++);
        }
    }
}

struct spr_text spr_literal_of_regex(struct spr_text regex)
{
    struct walk walk = { .regex = regex };
    while (walk.at < regex.length && !walk.is_lost) {
        take_character(&walk);
    }
    end_run(&walk, regex.length);
    return walk.is_lost ? (struct spr_text){ NULL, 0 } : walk.best;
}
