/*
 * The Batch API (/v1/files, /v1/batches) on 127.0.0.1, misbehaving on cue, for tests.
 *
 *     fake_batch -p PORTFILE [-m MODES] [-n POLLS] [-H N]
 *     fake_batch -q PORTFILE       prints the counts of a running server as one JSON object
 *
 * The k-th batch gets the k-th of MODES, the last one repeats:
 *   ok         every request answered, in reverse order, one of them twice
 *   mixed      one in five refused with a 400, one in five failing with a 500, in the error file
 *   errors     an error file only: every request failed with a 500
 *   nothing    "completed" without any file
 *   expire     half of the requests answered, the rest expired
 *   tokens     failed with token_limit_exceeded; nothing is done
 * A batch ends after POLLS looks at it. With -H the N-th request is carried out and never
 * answered: whoever asked hangs there until it is killed.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/json.h"
#include "common/map.h"
#include "common/mem.h"
#include "tests/tools/fake_server.h"

enum { MAX_THINGS = 1000 };

struct file {
    char name[128];
    char *p; /* NULL: deleted */
    size_t len;
};

struct batch {
    int input, output, error; /* files, -1 none */
    char mark[128];
    char mode[16];
    int polls_left;
    bool ended, cancelled;
    int n_done, n_failed;
};

struct server {
    struct file files[MAX_THINGS];
    struct batch batches[MAX_THINGS];
    int n_files, n_batches;
    const char *modes;
    int polls;
    uint64_t n_requests, hang_at;
    uint64_t n_answers, n_twice; /* answers; of them to a document that had one */
    struct da_map answered;
};

static void raw(struct da_jw *w, const char *json)
{
    da_jw_raw(w, json, strlen(json));
}

/* --- what a batch answers -------------------------------------------------------------- */

static void add_content(struct da_buf *out, struct da_span user)
{
    static const char mark[] = "<document>\n";
    struct da_jw w;
    size_t at = da_span_find(user, da_span_str(mark));
    struct da_span doc = at < user.len ? da_span(user.p + at + sizeof mark - 1, 60) : user;
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kstr(&w, "summary", doc);
    da_jw_key(&w, "questions");
    da_jw_array(&w);
    da_jw_cstr(&w, "What is the first thing that is said?");
    da_jw_cstr(&w, "Who wrote any of it down?");
    da_jw_cstr(&w, "Why does nobody read it?");
    da_jw_end(&w);
    da_jw_kcstr(&w, "question", "How does it begin?");
    da_jw_kstr(&w, "answer", doc);
    da_jw_end(&w);
}

static void add_completion(struct da_jw *w, const char *content)
{
    da_jw_object(w);
    da_jw_kcstr(w, "model", "gpt-4o-mini-batch");
    da_jw_key(w, "choices");
    da_jw_array(w);
    da_jw_object(w);
    da_jw_key(w, "message");
    da_jw_object(w);
    da_jw_kcstr(w, "content", content);
    da_jw_end(w);
    da_jw_kcstr(w, "finish_reason", "stop");
    da_jw_end(w);
    da_jw_end(w);
    da_jw_key(w, "usage");
    da_jw_object(w);
    da_jw_kint(w, "prompt_tokens", 1000);
    da_jw_kint(w, "completion_tokens", 100);
    da_jw_end(w);
    da_jw_end(w);
}

static void add_line(struct da_buf *out, const struct da_json *line, int status,
                     const char *content)
{
    struct da_jw w;
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kvalue(&w, "custom_id", da_json_get(line, "custom_id"));
    if (status) {
        da_jw_key(&w, "response");
        da_jw_object(&w);
        da_jw_kint(&w, "status_code", status);
        da_jw_key(&w, "body");
        if (status == 200)
            add_completion(&w, content);
        else
            raw(&w, "{\"error\":{\"message\":\"Scripted.\"}}");
        da_jw_end(&w);
        da_jw_key(&w, "error");
        da_jw_null(&w);
    } else {
        da_jw_key(&w, "response");
        da_jw_null(&w);
        da_jw_key(&w, "error");
        raw(&w, "{\"code\":\"batch_expired\",\"message\":\"Too late.\"}");
    }
    da_jw_end(&w);
    da_buf_add_char(out, '\n');
}

static struct da_span user_of(const struct da_json *line)
{
    struct da_span s = {"", 0};
    const struct da_json *m = da_json_get(da_json_get(line, "body"), "messages");
    (void)da_json_str(da_json_get(da_json_at(m, 1), "content"), &s);
    return s;
}

static int new_file(struct server *s, const char *name, const char *p, size_t len)
{
    struct file *f = &s->files[s->n_files];
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    f->p = da_memdup(p, len);
    f->len = len;
    return s->n_files++;
}

/* The status of the i-th of n requests under a mode; 0: expired. */
static int status_of(const char *mode, size_t i, size_t n)
{
    if (strcmp(mode, "errors") == 0)
        return 500;
    if (strcmp(mode, "mixed") == 0)
        return i % 5 == 1 ? 400 : i % 5 == 3 ? 500 : 200;
    if (strcmp(mode, "expire") == 0)
        return i < n / 2 ? 200 : 0;
    return 200;
}

static void answer(struct server *s, struct batch *b, const struct da_json *line, int status,
                   struct da_buf *out, struct da_buf *errors)
{
    struct da_buf content;
    struct da_span user = user_of(line);
    if (status != 200) {
        add_line(errors, line, status, NULL);
        b->n_failed++;
        return;
    }
    da_buf_init(&content, 0);
    add_content(&content, user);
    add_line(out, line, 200, content.p);
    if (b->n_done == 0)
        add_line(out, line, 200, content.p);
    da_buf_release(&content);
    b->n_done++;
    s->n_answers++;
    s->n_twice += (*da_map_add(&s->answered, user.p, user.len, NULL))++ > 0;
}

static void work(struct server *s, struct batch *b)
{
    struct da_buf out, errors;
    struct da_json *lines[4096];
    size_t n = 0;
    struct da_span rest = da_span(s->files[b->input].p, s->files[b->input].len), line;
    b->ended = true;
    if (strcmp(b->mode, "tokens") == 0 || strcmp(b->mode, "nothing") == 0 || b->cancelled)
        return;
    da_buf_init(&out, 0);
    da_buf_init(&errors, 0);
    while (n < 4096 && da_span_split(&rest, '\n', &line))
        if (da_span_starts(line, "{") && !da_json_parse(line.p, line.len, &lines[n], NULL))
            n++;
    for (size_t i = n; i-- > 0;) {
        answer(s, b, lines[i], status_of(b->mode, i, n), &out, &errors);
        da_json_free(lines[i]);
    }
    if (out.len)
        b->output = new_file(s, "output", out.p, out.len);
    if (errors.len)
        b->error = new_file(s, "error", errors.p, errors.len);
    da_buf_release(&out);
    da_buf_release(&errors);
}

/* --- replies -------------------------------------------------------------------------------- */

static void write_file(struct da_jw *w, const struct server *s, int i)
{
    char id[32];
    (void)snprintf(id, sizeof id, "file-%d", i);
    da_jw_object(w);
    da_jw_kcstr(w, "id", id);
    da_jw_kcstr(w, "filename", s->files[i].name);
    da_jw_end(w);
}

static void write_id(struct da_jw *w, const char *key, int i)
{
    char id[32];
    (void)snprintf(id, sizeof id, "file-%d", i);
    da_jw_kcstr(w, key, i < 0 ? NULL : id);
}

static void write_batch(struct da_jw *w, const struct server *s, int i)
{
    const struct batch *b = &s->batches[i];
    char id[32];
    bool failed = b->ended && strcmp(b->mode, "tokens") == 0;
    bool expired = b->ended && strcmp(b->mode, "expire") == 0;
    (void)snprintf(id, sizeof id, "batch_%d", i);
    da_jw_object(w);
    da_jw_kcstr(w, "id", id);
    da_jw_kcstr(w, "status",
                !b->ended      ? "in_progress"
                : b->cancelled ? "cancelled"
                : failed       ? "failed"
                : expired      ? "expired"
                               : "completed");
    write_id(w, "output_file_id", b->output);
    write_id(w, "error_file_id", b->error);
    if (failed) {
        da_jw_key(w, "errors");
        raw(w, "{\"data\":[{\"code\":\"token_limit_exceeded\",\"message\":\"x\"}]}");
    }
    da_jw_key(w, "request_counts");
    da_jw_object(w);
    da_jw_kint(w, "completed", b->n_done);
    da_jw_kint(w, "failed", b->n_failed);
    da_jw_end(w);
    da_jw_key(w, "metadata");
    da_jw_object(w);
    da_jw_kcstr(w, "docassist", b->mark);
    da_jw_end(w);
    da_jw_end(w);
}

static int post_file(struct server *s, struct da_span body)
{
    static const char mark[] = "filename=\"";
    char name[128];
    size_t at = da_span_find(body, da_span_str(mark));
    struct da_span rest = da_span(body.p + at + sizeof mark - 1, body.len - at - sizeof mark + 1);
    size_t len = da_span_find(rest, da_span_str("\""));
    (void)snprintf(name, sizeof name, "%.*s", (int)len, rest.p);
    size_t head = da_span_find(rest, da_span_str("\r\n\r\n")) + 4;
    size_t end = da_span_find(rest, da_span_str("\r\n--docassist"));
    return new_file(s, name, rest.p + head, end - head);
}

static int post_batch(struct server *s, struct da_span body)
{
    struct batch *b = &s->batches[s->n_batches];
    struct da_json *root = NULL;
    struct da_span v = {"", 0}, rest = da_span_str(s->modes), mode = {"ok", 2};
    int64_t file = 0;
    (void)da_json_parse(body.p, body.len, &root, NULL);
    if (da_json_str(da_json_get(root, "input_file_id"), &v))
        (void)da_parse_int(v.p + 5, v.len - 5, &file);
    if (da_json_str(da_json_get(da_json_get(root, "metadata"), "docassist"), &v))
        (void)snprintf(b->mark, sizeof b->mark, "%s", v.p);
    for (int i = 0; i <= s->n_batches; i++)
        (void)da_span_split(&rest, ',', &mode);
    (void)snprintf(b->mode, sizeof b->mode, "%.*s", (int)mode.len, mode.p);
    b->input = (int)file;
    b->output = b->error = -1;
    b->polls_left = s->polls;
    da_json_free(root);
    return s->n_batches++;
}

static int number_after(struct da_span path, const char *prefix)
{
    int64_t n = -1;
    size_t skip = strlen(prefix), len = 0;
    if (!da_span_starts(path, prefix))
        return -1;
    while (skip + len < path.len && path.p[skip + len] >= '0' && path.p[skip + len] <= '9')
        len++;
    return da_parse_int(path.p + skip, len, &n) ? (int)n : -1;
}

static void list(struct server *s, bool files, struct da_jw *w)
{
    da_jw_object(w);
    da_jw_key(w, "data");
    da_jw_array(w);
    for (int i = files ? s->n_files : s->n_batches; i-- > 0;) {
        if (!files)
            write_batch(w, s, i);
        else if (s->files[i].p)
            write_file(w, s, i);
    }
    da_jw_end(w);
    da_jw_kbool(w, "has_more", false);
    da_jw_end(w);
}

static void counts(const struct server *s, struct da_jw *w)
{
    int left = 0;
    for (int i = 0; i < s->n_files; i++)
        left += s->files[i].p != NULL;
    da_jw_object(w);
    da_jw_kint(w, "requests", (int64_t)s->n_requests);
    da_jw_kint(w, "files", s->n_files);
    da_jw_kint(w, "files_left", left);
    da_jw_kint(w, "batches", s->n_batches);
    da_jw_kint(w, "documents", (int64_t)s->answered.n);
    da_jw_kint(w, "answers", (int64_t)s->n_answers);
    da_jw_kint(w, "twice", (int64_t)s->n_twice);
    da_jw_end(w);
}

/* Appends the reply's body; returns the status. */
static int route(struct server *s, struct da_span method, struct da_span path, struct da_span body,
                 struct da_buf *out)
{
    struct da_jw w;
    int file = number_after(path, "/v1/files/file-");
    int batch = number_after(path, "/v1/batches/batch_");
    bool post = da_span_is(method, "POST");
    da_jw_init(&w, out);
    if (da_span_is(path, "/stats")) {
        counts(s, &w);
    } else if (file >= 0 && file < s->n_files && s->files[file].p) {
        if (da_span_is(method, "DELETE")) {
            free(s->files[file].p);
            s->files[file].p = NULL;
            raw(&w, "{}");
        } else {
            da_buf_add(out, s->files[file].p, s->files[file].len);
        }
    } else if (batch >= 0 && batch < s->n_batches) {
        struct batch *b = &s->batches[batch];
        b->cancelled = b->cancelled || (post && !b->ended);
        if (!b->ended && b->polls_left-- <= 0)
            work(s, b);
        write_batch(&w, s, batch);
    } else if (da_span_starts(path, "/v1/files") && file < 0) {
        if (post)
            write_file(&w, s, post_file(s, body));
        else
            list(s, true, &w);
    } else if (da_span_starts(path, "/v1/batches") && batch < 0) {
        if (post)
            write_batch(&w, s, post_batch(s, body));
        else
            list(s, false, &w);
    } else {
        raw(&w, "{}");
        return 404;
    }
    return 200;
}

/* --- one connection after the other ------------------------------------------- */

static size_t content_length(struct da_span head)
{
    struct da_span line;
    int64_t v = 0;
    while (da_span_split(&head, '\n', &line))
        if (da_span_starts(line, "Content-Length:")) {
            struct da_span t = da_span_trim(da_span(line.p + 15, line.len - 15));
            (void)da_parse_int(t.p, t.len, &v);
        }
    return v > 0 ? (size_t)v : 0;
}

static bool read_request(int fd, struct da_buf *in, size_t *head_len)
{
    for (;;) {
        *head_len = da_span_find(da_span(in->p, in->len), da_span_str("\r\n\r\n"));
        if (*head_len < in->len &&
            in->len >= *head_len + 4 + content_length(da_span(in->p, *head_len)))
            return true;
        char *room = da_buf_reserve(in, 1 << 16);
        ssize_t n = read(fd, room, 1 << 16);
        if (n <= 0)
            return false;
        in->len += (size_t)n;
        in->p[in->len] = 0;
    }
}

static void serve_one(struct server *s, int fd)
{
    struct da_buf in, out, reply;
    size_t head;
    da_buf_init(&in, 0);
    da_buf_init(&out, 0);
    da_buf_init(&reply, 0);
    if (read_request(fd, &in, &head)) {
        struct da_span rest = da_span(in.p, head), method, path;
        (void)da_span_split(&rest, ' ', &method);
        (void)da_span_split(&rest, ' ', &path);
        bool stats = da_span_is(path, "/stats");
        s->n_requests += !stats;
        int status = route(s, method, path, da_span(in.p + head + 4, in.len - head - 4), &out);
        if (!stats && s->hang_at && s->n_requests == s->hang_at) {
            char c;
            while (read(fd, &c, 1) > 0) /* until the other side is gone */
                continue;
        } else {
            da_buf_addf(&reply, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                        status, out.len);
            da_buf_add(&reply, out.p, out.len);
            (void)da_io_write_all(fd, reply.p, reply.len, "reply", NULL);
        }
    }
    close(fd);
    da_buf_release(&in);
    da_buf_release(&out);
    da_buf_release(&reply);
}

int main(int argc, char **argv)
{
    static struct server s = {.modes = "ok", .polls = 1};
    const char *port_file = NULL;
    int opt;
    while ((opt = getopt(argc, argv, "p:q:m:n:H:")) != -1) {
        switch (opt) {
        case 'p': port_file = optarg; break;
        case 'q': return fake_query(optarg);
        case 'm': s.modes = optarg; break;
        case 'n': s.polls = (int)strtol(optarg, NULL, 10); break;
        case 'H': s.hang_at = strtoull(optarg, NULL, 10); break;
        default: return 2;
        }
    }
    if (!port_file)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    int fd = fake_listen(port_file);
    for (;;) {
        int c = accept(fd, NULL, NULL);
        if (c >= 0)
            serve_one(&s, c);
    }
}
