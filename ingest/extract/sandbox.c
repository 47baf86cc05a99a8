/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See sandbox.h. Seccomp: a list of what parsers need, everything else fails with EPERM (not a
 * kill, so that a library that merely asks can go on). Landlock: kernel documentation,
 * userspace-api/landlock.rst.
 */

#define _GNU_SOURCE /* O_PATH, O_TMPFILE, syscall */

#include "ingest/extract/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if DA_WITH_SECCOMP
#include <linux/seccomp.h>
#include <seccomp.h>
#endif

#if defined(__has_include)
#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#define HAVE_LANDLOCK 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LIMIT_ADDRESS_SPACE = 0 }; /* the checker maps terabytes for itself */
#else
enum { LIMIT_ADDRESS_SPACE = 1 };
#endif

bool da_sandbox_available(void)
{
#if DA_WITH_SECCOMP
    uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
#else
    return false;
#endif
}

int da_sandbox_landlock_abi(void)
{
#ifdef HAVE_LANDLOCK
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
#else
    return 0;
#endif
}

#ifdef HAVE_LANDLOCK
/* What parsers read: fonts, their configuration and caches, character maps, shared libraries. */
static const char *const readable[] = {
    "/usr/share", "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/share",
    "/usr/local/lib", "/etc/fonts", "/etc/ld.so.cache", "/var/cache/fontconfig", "/dev/null",
};

static enum da_rc enter_landlock(struct da_err *err)
{
    struct landlock_ruleset_attr attr = {
        .handled_access_fs =
            LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
            LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
            LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
            LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
            LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
            LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
            LANDLOCK_ACCESS_FS_MAKE_SYM,
    };
    int set = (int)syscall(SYS_landlock_create_ruleset, &attr,
                           sizeof attr.handled_access_fs, 0);
    if (set < 0)
        return da_fail_errno(err, DA_EUNSUPPORTED, errno, "landlock_create_ruleset");
    for (size_t i = 0; i < DA_ARRAY_LEN(readable); i++) {
        struct landlock_path_beneath_attr rule = {
            .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
            .parent_fd = open(readable[i], O_PATH | O_CLOEXEC),
        };
        if (rule.parent_fd < 0)
            continue; /* not on this machine */
        if (i + 1 < DA_ARRAY_LEN(readable) && readable[i][1] != 'e')
            rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
        (void)syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
        (void)close(rule.parent_fd);
    }
    long rc = syscall(SYS_landlock_restrict_self, set, 0);
    int e = errno;
    (void)close(set);
    if (rc != 0)
        return da_fail_errno(err, DA_EUNSUPPORTED, e, "landlock_restrict_self");
    return DA_OK;
}
#endif

#if DA_WITH_SECCOMP
static const int allowed[] = {
    SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev),
    SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat),
    SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(fstatfs), SCMP_SYS(statfs), SCMP_SYS(access),
    SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(fcntl), SCMP_SYS(fadvise64),
    SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(brk),
    SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(exit), SCMP_SYS(exit_group),
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
    SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(uname), SCMP_SYS(sysinfo),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield), SCMP_SYS(getrusage), SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list), SCMP_SYS(membarrier), SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall), SCMP_SYS(arch_prctl),
};

/* Allows a system call when one of its arguments, masked, has a value. */
static int allow_if(scmp_filter_ctx f, int call, unsigned arg, uint64_t bits, uint64_t value)
{
    const struct scmp_arg_cmp cmp = {.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits,
                                     .datum_b = value};
    return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, 1, &cmp);
}

static int add_rules(scmp_filter_ctx f)
{
    const uint64_t write_bits = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND, all = UINT64_MAX;
    int bad = 0;
    for (size_t i = 0; i < DA_ARRAY_LEN(allowed); i++)
        bad |= seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
    bad |= allow_if(f, SCMP_SYS(openat), 2, write_bits, O_RDONLY);
#ifdef __NR_open
    bad |= allow_if(f, SCMP_SYS(open), 1, write_bits, O_RDONLY);
#endif
    /* Asking for limits, not setting them; abort(), not kill. */
    bad |= allow_if(f, SCMP_SYS(prlimit64), 2, all, 0);
    bad |= allow_if(f, SCMP_SYS(tgkill), 0, UINT32_MAX, (uint64_t)getpid());
    return bad;
}

static enum da_rc enter_seccomp(struct da_err *err)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (f == NULL)
        return da_fail(err, DA_EUNSUPPORTED, "seccomp_init failed");
    int bad = add_rules(f);
    if (bad == 0)
        bad = seccomp_load(f);
    seccomp_release(f);
    if (bad != 0)
        return da_fail_errno(err, DA_EUNSUPPORTED, -bad, "cannot load the seccomp filter");
    return DA_OK;
}
#endif

static void limit(int what, uint64_t soft, uint64_t hard)
{
    struct rlimit r = {.rlim_cur = (rlim_t)soft, .rlim_max = (rlim_t)hard};
    (void)setrlimit(what, &r); /* a smaller limit already in force stays */
}

/* Address space in use: what the libraries take is not the document's. */
static uint64_t address_space(void)
{
    char line[64] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    if (fd >= 0)
        (void)close(fd);
    uint64_t pages = 0;
    for (ssize_t i = 0; i < n && line[i] >= '0' && line[i] <= '9'; i++)
        pages = pages * 10 + (uint64_t)(line[i] - '0');
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

enum da_rc da_sandbox_enter(const struct da_request *req, uint64_t file_bytes,
                            struct da_err *err)
{
    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_FSIZE, 0, 0);
    limit(RLIMIT_NOFILE, 128, 128);
    limit(RLIMIT_CPU, (uint64_t)req->cpu_s, (uint64_t)req->cpu_s + 2);
    if (LIMIT_ADDRESS_SPACE) {
        uint64_t most = (uint64_t)req->max_mem_bytes + file_bytes + address_space();
        limit(RLIMIT_AS, most, most);
    }
    (void)alarm((unsigned)req->wall_s);
    if (!req->sandbox)
        return DA_OK;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return da_fail_errno(err, DA_EUNSUPPORTED, errno, "no_new_privs");
#ifdef HAVE_LANDLOCK
    if (da_sandbox_landlock_abi() > 0 && enter_landlock(err) != DA_OK)
        return DA_EUNSUPPORTED;
#endif
#if DA_WITH_SECCOMP
    return enter_seccomp(err);
#else
    return da_fail(err, DA_EUNSUPPORTED, "built without libseccomp");
#endif
}
