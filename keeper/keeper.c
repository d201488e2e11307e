/*
 * procman-keeper: the parent of exactly one run's command, or of one probe's. The contract is README.md beside this file.
 * One C program (rotation.h, freeze.h and logs.h are parts of it), no dependency; Linux and macOS. No memory is allocated except one mapping for the
 * intent, which is given back once the command runs: there may be a thousand of these.
 */
#define _GNU_SOURCE 1
#define _DARWIN_C_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#ifdef __APPLE__
#include <mach-o/dyld.h>
#include <sys/event.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#pragma clang diagnostic ignored "-Wdeprecated-declarations" /* vfork */
#endif

#define RETRY_MS 200
#define LINGER_MS 500
#define MAX_SIGNAL 64
#define MAX_TERMED 4096 /* pages that are not touched cost nothing */

/* ---------------------------------------------------------------- small helpers */

static const char *errno_name(int e) {
  static char other[16];
#define N(x) { x, #x }
  static const struct { int number; char name[14]; } names[] = {
    N(EPERM), N(ENOENT), N(ESRCH), N(EINTR), N(EIO), N(ENXIO), N(E2BIG), N(ENOEXEC), N(EBADF), N(ECHILD), N(EAGAIN), N(ENOMEM),
    N(EACCES), N(EFAULT), N(EBUSY), N(EEXIST), N(EXDEV), N(ENODEV), N(ENOTDIR), N(EISDIR), N(EINVAL), N(ENFILE), N(EMFILE),
    N(ENOTTY), N(ETXTBSY), N(EFBIG), N(ENOSPC), N(ESPIPE), N(EROFS), N(EMLINK), N(EPIPE), N(ENAMETOOLONG), N(ENOSYS), N(ELOOP),
    N(EOVERFLOW), N(EOPNOTSUPP), N(ETIMEDOUT), N(EDQUOT), N(ESTALE), N(ENOTCONN),
#ifdef ELIBBAD
    N(ELIBBAD),
#endif
#ifdef EBADARCH
    N(EBADARCH), N(EBADEXEC), N(EBADMACHO),
#endif
  };
#undef N
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].number == e) return names[i].name;
  snprintf(other, sizeof other, "E%d", e);
  return other;
}

static long long now_ms(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(long ms) {
  struct timespec t = { ms / 1000, (ms % 1000) * 1000000 };
  while (nanosleep(&t, &t) < 0 && errno == EINTR) continue;
}

/* 0, or the errno */
static int write_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, data, size);
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    data += n;
    size -= (size_t)n;
  }
  return 0;
}

static ssize_t read_some(int fd, void *buffer, size_t size) {
  ssize_t n;
  do n = read(fd, buffer, size);
  while (n < 0 && errno == EINTR);
  return n;
}

static void shut(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static bool make_pipe(int fds[2]) {
  if (pipe(fds) < 0) return false;
  fcntl(fds[0], F_SETFD, FD_CLOEXEC);
  fcntl(fds[1], F_SETFD, FD_CLOEXEC);
  return true;
}

static void close_from(int first) {
#if defined(__linux__) && defined(SYS_close_range)
  if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0) return;
#endif
  DIR *dir = opendir("/dev/fd");
  if (dir != NULL) {
    int mine = dirfd(dir);
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
      int fd = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);
      if (fd >= first && fd != mine) close(fd);
    }
    closedir(dir);
    return;
  }
  long limit = sysconf(_SC_OPEN_MAX);
  if (limit < 0 || limit > 65536) limit = 65536;
  for (int fd = first; fd < (int)limit; fd++) close(fd);
}

static bool is_run_name(const char *name) {
  if (strncmp(name, "run-", 4) != 0) return false;
  size_t digits = strspn(name + 4, "0123456789");
  return digits > 0 && digits < 20 && name[4 + digits] == '\0';
}

#ifdef __linux__
/* a whole small text file; false when it cannot be read */
static bool read_text(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t n = read_some(fd, text, size - 1);
  close(fd);
  text[n > 0 ? n : 0] = '\0';
  return n > 0;
}

static void start_of(pid_t pid, char *out, size_t size) {
  char path[40], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  out[0] = '\0';
  if (!read_text(path, text, sizeof text)) return;
  char *at = strrchr(text, ')'); /* field 2 ends here; the name itself may hold anything */
  for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
  if (at == NULL) return;
  size_t digits = strspn(at + 1, "0123456789");
  if (digits < size) {
    memcpy(out, at + 1, digits);
    out[digits] = '\0';
  }
}

static void boot_name(char *out, size_t size) {
  if (!read_text("/proc/sys/kernel/random/boot_id", out, size)) out[0] = '\0';
  out[strspn(out, "0123456789abcdefABCDEF-")] = '\0';
}
#else
static void start_of(pid_t pid, char *out, size_t size) {
  int name[4] = { CTL_KERN, KERN_PROC, KERN_PROC_PID, (int)pid };
  struct kinfo_proc info;
  size_t length = sizeof info;
  out[0] = '\0';
  if (sysctl(name, 4, &info, &length, NULL, 0) < 0 || length == 0) return;
  snprintf(out, size, "%lld.%06d", (long long)info.kp_proc.p_starttime.tv_sec, (int)info.kp_proc.p_starttime.tv_usec);
}

static void boot_name(char *out, size_t size) {
  size_t length = size - 1;
  memset(out, 0, size);
  if (sysctlbyname("kern.bootsessionuuid", out, &length, NULL, 0) < 0) out[0] = '\0';
}
#endif

/* ---------------------------------------------------------------- the keeper's state */

struct intent {
  char *map;
  size_t size;
  const char *token, *cwd, *out, *err;
  char **args, **env;
  bool pipe_in, leave;
  int notify; /* 0: none */
  long long grace;
  int sinks[2]; /* enum sink */
  long long log_size, log_files, log_age, log_total, log_buffer;
  int log_way; /* enum way */
};

enum sink { TO_FILE, TO_MEMORY, TO_NONE };
enum phase { RECORD, EXEC, RUN, EXIT, REST };
enum step { STEP_INTENT, STEP_CWD, STEP_LOG, STEP_FORK, STEP_COMMAND, STEP_INTERPRETER };
static const char step_names[][12] = { "intent", "cwd", "log", "fork", "command", "interpreter" };
struct failure { int step, error; };

static const char *run;                          /* "run-N" */
static pid_t self, command;                      /* command: 0 before the fork and once reaped */
static int bell = -1, ctl = -1, alive = -1, input = -1, rest = -1;
static int notify = -1, notice = -1;             /* the FIFO, while it is held; what the command says on its descriptor */
static long long ready_at;                       /* 0: not yet */
static bool ended, killing, whole;
static size_t claim_size;                        /* of `claim`, once it is written */
static mode_t inherited_umask;
static pid_t *termed; static int termed_count;   /* who has been sent SIGTERM in REST */

static void file_name(char out[64], const char *suffix) { snprintf(out, 64, "%s.%s", run, suffix); }

static bool directory_gone(void) {
  struct stat st;
  return stat(".", &st) < 0 ? errno == ENOENT : st.st_nlink == 0;
}

/* ENOSPC and its kin pass by */
static bool passing(int error) {
  return error == ENOSPC || error == EDQUOT || error == ENFILE || error == EMFILE || error == ENOMEM || error == EAGAIN || error == EINTR;
}

/* what somebody has put where a file of ours belongs is moved out of the way */
static int move_aside(const char *name) {
  char to[180];
  snprintf(to, sizeof to, "%s.odd", name);
  return rename(name, to) < 0 ? errno : 0;
}

/* temp + rename, or temp + link (`exclusive`); 0, or the errno */
static int put_file(const char *suffix, const char *text, bool exclusive) {
  char name[64], temp[96];
  file_name(name, suffix);
  snprintf(temp, sizeof temp, "%s.%d.tmp", name, (int)self);
  int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST && unlink(temp) == 0) fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  int error = write_all(fd, text, strlen(text));
  if (close(fd) < 0 && error == 0 && errno != EINTR) error = errno;
  if (error == 0) {
    if (!exclusive) {
      if (rename(temp, name) == 0 || (errno == EISDIR && move_aside(name) == 0 && rename(temp, name) == 0)) return 0;
      error = errno;
    } else if (link(temp, name) < 0) {
      struct stat st;
      error = errno;
      if (stat(temp, &st) == 0 && st.st_nlink == 2) error = 0; /* NFS: done, though the answer was lost */
    }
  }
  unlink(temp);
  return error;
}

/* a further line of `claim`, in the block that it has already: a full disk has room for that. 0, or the errno */
static int add_to_claim(const char *text) {
  char name[64];
  struct stat st;
  size_t size = strlen(text);
  file_name(name, "claim");
  int fd = open(name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return errno;
  int error = EINVAL; /* something else lies there */
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_size >= (off_t)claim_size) {
    ssize_t n = pwrite(fd, text, size, (off_t)claim_size); /* again in the same place when only a part was written */
    error = n == (ssize_t)size ? 0 : n < 0 ? errno : ENOSPC;
    if (error == 0) claim_size += size;
  }
  close(fd);
  return error;
}

/* make when absent, and open; never blocks. `both`: for reading and writing, else only for writing. -1 and errno */
static int open_fifo(const char *suffix, bool both, int *reader) {
  char name[64];
  struct stat st;
  file_name(name, suffix);
  if (mkfifo(name, 0600) < 0 && errno != EEXIST) return -1;
  if (lstat(name, &st) < 0) return -1;
  if (!S_ISFIFO(st.st_mode) && ((errno = move_aside(name)) != 0 || mkfifo(name, 0600) < 0)) return -1;
  int fd = open(name, (both ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 || both) return fd;
  int writer = open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW); /* there is a reader now: us */
  int error = errno;
  if (writer >= 0 && reader != NULL) *reader = fd;
  else close(fd);
  errno = error;
  return writer;
}

static void small_pipe(int fd) {
#ifdef F_SETPIPE_SZ
  fcntl(fd, F_SETPIPE_SZ, 4096); /* an ordinary user may have 1024 pipes of the default size */
#else
  (void)fd;
#endif
}

static void ring(const char *token, char what) {
  char line[512];
  if (bell >= 0 && token != NULL) {
    int size = snprintf(line, sizeof line, "%s %c\n", token, what);
    while (write(bell, line, (size_t)size) < 0 && errno == EINTR) continue;
  }
  shut(&bell);
}

/* ---------------------------------------------------------------- the intent */

static void drop_intent(struct intent *in) {
  if (in->map != NULL) munmap(in->map, in->size);
  memset(in, 0, sizeof *in);
}

/* -1: none, or with more digits than `most` */
static long long whole_number(const char *text, size_t most) {
  size_t digits = strspn(text, "0123456789");
  return digits == 0 || digits > most || text[digits] != '\0' ? -1 : atoll(text);
}

static int limit(const char *value, long long *number, int bad) {
  *number = whole_number(value, 16);
  if (*number >= 0) return bad;
  *number = 0;
  return EINVAL;
}

/* -1: none of them */
static int which_of(const char *value, const char *first, const char *second, const char *third) {
  return strcmp(value, first) == 0 ? 0 : strcmp(value, second) == 0 ? 1 : strcmp(value, third) == 0 ? 2 : -1;
}

/* 0, or the errno of the failure. Pointers go into the mapping, which also holds the arrays of arguments and environment. */
static int read_intent(struct intent *in) {
  char name[64];
  struct stat st;
  memset(in, 0, sizeof *in);
  in->grace = 5000;
  in->log_files = 10;
  in->log_buffer = 1 << 20;
  file_name(name, "intent");
  int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return errno;
  if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > (1 << 26)) { close(fd); return EINVAL; }
  size_t length = (size_t)st.st_size, fields = 0;
  size_t text = (length / sizeof(char *) + 1) * sizeof(char *);
  /* a field has at least "arg=" and its NUL: no more than length / 5 pointers, and two ends */
  in->size = text + (length / 5 + 4) * sizeof(char *);
  in->map = mmap(NULL, in->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (in->map == MAP_FAILED) { in->map = NULL; close(fd); return ENOMEM; }
  size_t got = 0;
  while (got < length) {
    ssize_t n = read_some(fd, in->map + got, length - got);
    if (n <= 0) break;
    got += (size_t)n;
  }
  close(fd);
  if (got < length) return EIO;
  char *end = in->map + length, *next;
  size_t args = 0;
  for (char *at = in->map; at < end; at += strlen(at) + 1) {
    if (fields++ == 0 && strcmp(at, "v=1") != 0) return EINVAL;
    if (strncmp(at, "arg=", 4) == 0) args++;
  }
  in->args = (char **)(void *)(in->map + text);
  in->env = in->args + args + 1;
  char **arg = in->args, **env = in->env;
  int bad = 0;
  for (char *at = in->map; at < end; at = next) {
    next = at + strlen(at) + 1;
    char *value = strchr(at, '=');
    if (value == NULL) {
      if (*at != '\0') bad = EINVAL;
      continue;
    }
    size_t key = (size_t)(value++ - at);
#define IS(k) (key == sizeof k - 1 && memcmp(at, k, key) == 0)
    if (IS("arg")) *arg++ = value;
    else if (IS("env")) *env++ = value;
    else if (IS("token")) in->token = value;
    else if (IS("cwd")) in->cwd = value;
    else if (IS("stdout")) in->out = value;
    else if (IS("stderr")) in->err = value;
    else if (IS("stdin")) {
      in->pipe_in = strcmp(value, "pipe") == 0;
      if (!in->pipe_in && strcmp(value, "null") != 0) bad = EINVAL;
    } else if (IS("leftovers")) {
      in->leave = strcmp(value, "leave") == 0;
      if (!in->leave && strcmp(value, "stop") != 0) bad = EINVAL;
    } else if (IS("graceMs")) {
      in->grace = whole_number(value, 12);
      if (in->grace < 0) bad = EINVAL;
    } else if (IS("notify")) {
      in->notify = (int)whole_number(value, 3);
      if (in->notify < 3 || in->notify > 255) { in->notify = 0; bad = EINVAL; }
    } else if (IS("stdoutTo") || IS("stderrTo")) {
      int sink = which_of(value, "file", "memory", "none");
      in->sinks[at[3] == 'e'] = sink < 0 ? TO_FILE : sink;
      if (sink < 0) bad = EINVAL;
    } else if (IS("logWay")) {
      in->log_way = which_of(value, "collapse", "punch", "freeze");
      if (in->log_way < 0) { in->log_way = 0; bad = EINVAL; }
    } else if (IS("logSize")) bad = limit(value, &in->log_size, bad);
    else if (IS("logFiles")) bad = limit(value, &in->log_files, bad);
    else if (IS("logAge")) bad = limit(value, &in->log_age, bad);
    else if (IS("logTotal")) bad = limit(value, &in->log_total, bad);
    else if (IS("logBuffer")) bad = limit(value, &in->log_buffer, bad);
#undef IS
  }
  if (in->token != NULL && (strlen(in->token) > 400 || strchr(in->token, '\n') != NULL)) in->token = NULL;
  if (in->token == NULL || in->cwd == NULL || in->cwd[0] != '/' || args == 0 || in->out == NULL || in->err == NULL) bad = EINVAL;
  return bad;
}

/* ---------------------------------------------------------------- the child, up to the command */

static struct failure try_execute(const char *path, struct intent *in) {
  struct stat st;
  execve(path, in->args, in->env);
  int error = errno;
  if ((error == ENOENT || error == ENOTDIR) && stat(path, &st) == 0) return (struct failure){ STEP_INTERPRETER, ENOENT };
  return (struct failure){ STEP_COMMAND, error };
}

static struct failure execute(struct intent *in) {
  const char *name = in->args[0], *path = NULL;
  if (*name == '\0') return (struct failure){ STEP_COMMAND, ENOENT };
  if (strchr(name, '/') != NULL) return try_execute(name, in);
  if (strlen(name) > NAME_MAX) return (struct failure){ STEP_COMMAND, ENAMETOOLONG };
  for (char **env = in->env; *env != NULL && path == NULL; env++)
    if (strncmp(*env, "PATH=", 5) == 0) path = *env + 5;
  if (path == NULL) path = "/usr/local/bin:/bin:/usr/bin";
  struct failure worst = { STEP_COMMAND, ENOENT };
  char candidate[PATH_MAX + NAME_MAX + 2];
  for (;;) {
    size_t size = strcspn(path, ":");
    if (size < PATH_MAX) {
      snprintf(candidate, sizeof candidate, "%.*s%s%s", (int)size, path, size > 0 ? "/" : "./", name);
      struct failure f = try_execute(candidate, in);
      if (f.step == STEP_INTERPRETER || (f.error == EACCES && worst.step == STEP_COMMAND)) worst = f;
      else if (f.error != EACCES && f.error != ENOENT && f.error != ENOTDIR && f.error != ENODEV && f.error != ESTALE && f.error != ETIMEDOUT) return f;
    }
    if (path[size] == '\0') return worst;
    path += size + 1;
  }
}

static void reset_signals(void) {
  struct sigaction action;
  sigset_t none;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  for (int i = 1; i <= MAX_SIGNAL; i++) sigaction(i, &action, NULL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child(struct intent *in, int gate, int report, int in_fd, int out_fd, int err_fd, int notice_fd) {
  char go;
  struct failure f = { STEP_CWD, 0 };
  setsid();
  reset_signals();
  if (read_some(gate, &go, 1) != 1) _exit(127); /* the keeper has died: execute nothing */
  umask(inherited_umask);
  if (report == in->notify) fcntl(report = dup2(report, gate), F_SETFD, FD_CLOEXEC); /* of all that may have this number, only it is still needed then */
  if (chdir(in->cwd) < 0) f.error = errno;
  else if ((in_fd >= 0 && dup2(in_fd, 0) < 0) || dup2(out_fd, 1) < 0 || dup2(err_fd, 2) < 0
           || (notice_fd >= 0 && (dup2(notice_fd, in->notify) < 0 || fcntl(in->notify, F_SETFD, 0) < 0))) f = (struct failure){ STEP_LOG, errno };
  else f = execute(in);
  write_all(report, (const char *)&f, sizeof f);
  _exit(127);
}

/* ---------------------------------------------------------------- the tree */

/*
 * One pass over everything of the tree except the command itself: reap the dead, send `signal` (when not 0) to the living, count them.
 * On Linux these are our own unreaped children (we are the subreaper), so none can be a stranger.
 */
struct pass { int living, reaped, signal; bool once; };

static void visit(void *pass, pid_t pid) {
  struct pass *p = pass;
  if (pid <= 0 || pid == command || pid == self) return;
  pid_t r = waitpid(pid, NULL, WNOHANG);
  if (r == pid) { p->reaped++; return; }
#ifdef __linux__
  if (r < 0) return; /* not ours */
#endif
  p->living++;
  if (p->signal == 0) return;
  if (p->signal != SIGKILL && command > 0 && getpgid(pid) == command) return; /* has had it with its group */
  if (p->once) {
    for (int i = 0; i < termed_count; i++)
      if (termed[i] == pid) return;
    if (termed_count >= MAX_TERMED) return;
    termed[termed_count++] = pid;
  }
  kill(pid, p->signal);
  if (p->signal == SIGTERM) kill(pid, SIGCONT);
}

#ifdef __linux__
/* false: the kernel has no such list (CONFIG_PROC_CHILDREN) */
static bool each_in_list(const char *path, void (*visitor)(void *, pid_t), void *context) {
  char text[1024];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  pid_t pid = 0;
  ssize_t n;
  while ((n = read_some(fd, text, sizeof text)) > 0)
    for (ssize_t i = 0; i < n; i++) {
      if (text[i] >= '0' && text[i] <= '9') pid = pid * 10 + (text[i] - '0');
      else { if (pid > 0) visitor(context, pid); pid = 0; }
    }
  if (pid > 0) visitor(context, pid);
  close(fd);
  return true;
}

/* each child of a process, by whichever of its threads */
static void each_child(pid_t parent, void (*visitor)(void *, pid_t), void *context) {
  char path[96], text[1024];
  struct dirent *entry;
  bool listed = false;
  snprintf(path, sizeof path, "/proc/%d/task", (int)parent);
  DIR *dir = opendir(path);
  while (dir != NULL && (entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)parent, entry->d_name);
    listed = each_in_list(path, visitor, context) || listed;
  }
  if (dir != NULL) closedir(dir);
  if (listed || (dir = opendir("/proc")) == NULL) return;
  while ((entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
    char *at = read_text(path, text, sizeof text) ? strrchr(text, ')') : NULL;
    int its = 0;
    if (at != NULL && sscanf(at, ") %*c %d", &its) == 1 && its == (int)parent) visitor(context, (pid_t)atoi(entry->d_name));
  }
  closedir(dir);
}

static void each_own(void (*visitor)(void *, pid_t), void *context) { each_child(self, visitor, context); }
#else
static pid_t session; /* of the command; only meant while the command is unreaped */

static void each_own(void (*visitor)(void *, pid_t), void *context) {
  int name[4] = { CTL_KERN, KERN_PROC, KERN_PROC_ALL, 0 };
  size_t size = 0;
  if (sysctl(name, 4, NULL, &size, NULL, 0) < 0) return;
  size += size / 8;
  struct kinfo_proc *all = malloc(size);
  if (all != NULL && sysctl(name, 4, all, &size, NULL, 0) == 0)
    for (size_t i = 0; i < size / sizeof *all; i++) {
      pid_t pid = all[i].kp_proc.p_pid;
      bool own = all[i].kp_eproc.e_ppid == self;
      if (!own && all[i].kp_proc.p_stat == SZOMB) continue;
      if (own || (command > 0 && (all[i].kp_eproc.e_pgid == session || getsid(pid) == session))) visitor(context, pid);
    }
  free(all);
}
#endif

/* how many live beside the command; `once`: those that have had the signal already do not get it again */
static int tree(int signal, bool once) {
  struct pass p = { 0, 0, signal, once };
  do {
    p.living = p.reaped = 0;
    each_own(visit, &p);
    if (!once && signal != SIGKILL) p.signal = 0; /* a second look after reaping must not signal twice */
  } while (p.reaped > 0);
  return p.living;
}

/* the group of the command: its id is the command's pid, which is ours while the command is unreaped */
static void signal_group(int signal) {
  if (command > 0 && kill(-command, signal) < 0 && errno == ESRCH && !ended) kill(command, signal);
}

static void kill_tree(void) {
  signal_group(SIGKILL);
  if (command > 0 && !ended) kill(command, SIGKILL);
  tree(SIGKILL, false);
}

/* ---------------------------------------------------------------- the logs */

/* for the command to append to; a link is not followed, and a FIFO in its place is not waited for. -1 and errno */
static int open_log(const char *name, struct stat *st) {
  int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0 && errno == ENXIO) errno = EINVAL; /* a FIFO that nobody reads, or a socket */
  if (fd < 0) return -1;
  if (fstat(fd, st) == 0 && !S_ISREG(st->st_mode)) errno = EINVAL;
  else if (fcntl(fd, F_SETFL, O_APPEND) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

#include "rotation.h"
#include "logs.h"

/* ---------------------------------------------------------------- the ctl FIFO */

static void obey(const char *line) {
  int number = atoi(line + 1);
  switch (line[0]) {
    case 's':
      if (number < 1 || number > MAX_SIGNAL) return;
      signal_group(number);
      if (ended) tree(number, false);
      return;
    case 'p':
      if (number >= 1 && number <= MAX_SIGNAL && command > 0 && !ended) kill(command, number);
      return;
    case 'k':
      killing = true;
      return;
    case 't':
      whole = true;
      return;
    case 'c':
      shut(&input);
      return;
    case 'r':
    case 'x':
      for (int i = 0; i < 2; i++) {
        if (logs[i].fd < 0 || logs[i].memory) continue;
        if (line[0] == 'r') logs[i].manual = true;
        else logs[i].clear = true;
        logs[i].answer = true;
        logs[i].again = 0;
      }
      return;
    default:
      return;
  }
}

static void serve(void) {
  static char line[16];
  static unsigned size;
  char chunk[128];
  ssize_t n;
  while ((n = read_some(ctl, chunk, sizeof chunk)) > 0)
    for (ssize_t i = 0; i < n; i++) {
      if (chunk[i] != '\n') {
        if (size < sizeof line) line[size] = chunk[i];
        if (size < sizeof line) size++;
        continue;
      }
      if (size > 0 && size < sizeof line) {
        line[size] = '\0';
        obey(line);
      }
      size = 0;
    }
}

/* ---------------------------------------------------------------- readiness */

/* the first newline means ready, all else is dropped. One read: who never stops talking keeps nobody waiting */
static void hear(void) {
  ssize_t n = read_some(notice, slice, sizeof slice);
  if (n > 0 && ready_at == 0 && memchr(slice, '\n', (size_t)n) != NULL) ready_at = now_ms(CLOCK_REALTIME);
  if (n == 0) shut(&notice);
}

/* lets go of `notify` once `ready` is on disk, or can no longer come */
static void tell_ready(void) {
  char text[64];
  if (ready_at == 0 && notice >= 0) return;
  snprintf(text, sizeof text, "{\"v\":1,\"at\":%lld}\n", ready_at);
  if (ready_at == 0 || put_file("ready", text, false) == 0 || add_to_claim(text) == 0 || directory_gone()) shut(&notify);
}

/* ---------------------------------------------------------------- keep */

static void on_child(int signal) { (void)signal; } /* only so that pselect returns */

static void set_signals(sigset_t *waiting) {
  struct sigaction action;
  sigset_t blocked;
  memset(&action, 0, sizeof action);
  for (int i = 1; i <= MAX_SIGNAL; i++) {
    if (i == SIGKILL || i == SIGSTOP || i == SIGSEGV || i == SIGBUS || i == SIGILL || i == SIGFPE || i == SIGABRT || i == SIGTRAP || i == SIGSYS) continue;
    action.sa_handler = i == SIGCHLD ? on_child : i == SIGIO ? on_grown : SIG_IGN;
    action.sa_flags = i == SIGCHLD ? SA_NOCLDSTOP : 0;
    sigaction(i, &action, NULL);
  }
  sigemptyset(waiting);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCHLD); /* these come in only inside pselect */
  sigaddset(&blocked, SIGIO);
  sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* descriptors: 0, 1, 2 are /dev/null, 3 the bell (if any), nothing else */
static void set_descriptors(const char *bell_number) {
  if (bell_number != NULL && *bell_number >= '0' && *bell_number <= '9') {
    int given = atoi(bell_number);
    if (given != 3) bell = fcntl(given, F_DUPFD, 3) >= 0 ? dup2(given, 3) : -1;
    else bell = fcntl(3, F_GETFD) >= 0 ? 3 : -1;
  }
  close_from(bell < 0 ? 3 : 4);
  int null = open("/dev/null", O_RDWR);
  if (null < 0) _exit(1);
  for (int fd = 0; fd < 3; fd++)
    if (null != fd && dup2(null, fd) < 0) _exit(1);
  if (null > 2) close(null);
  if (bell >= 0) {
    fcntl(bell, F_SETFD, FD_CLOEXEC);
    int flags = fcntl(bell, F_GETFL);
    if (flags >= 0) fcntl(bell, F_SETFL, flags | O_NONBLOCK);
  }
}

static void open_fifos(struct intent *in, int *in_reader) {
  for (;;) {
    if (ctl < 0 && (ctl = open_fifo("ctl", true, NULL)) >= 0) small_pipe(ctl);
    if (ctl >= 0 && alive < 0 && (alive = open_fifo("alive", false, NULL)) >= 0) small_pipe(alive);
    bool made = ctl >= 0 && alive >= 0;
    if (made && in->notify > 0 && notify < 0 && (made = (notify = open_fifo("notify", false, NULL)) >= 0)) small_pipe(notify);
    if (made && in->pipe_in && input < 0) made = (input = open_fifo("in", false, in_reader)) >= 0;
    if (made) return;
    if (!passing(errno) || directory_gone()) _exit(1);
    pause_ms(RETRY_MS);
  }
}

static void claim(void) {
  char text[256], start[40], boot[64];
  start_of(self, start, sizeof start);
  boot_name(boot, sizeof boot);
  for (;;) {
    snprintf(text, sizeof text, "{\"v\":1,\"pid\":%d,\"start\":\"%s\",\"boot\":\"%s\",\"at\":%lld}\n", (int)self, start, boot, now_ms(CLOCK_REALTIME));
    int error = put_file("claim", text, true);
    if (error == 0) break;
    if (error == EEXIST) _exit(0); /* a twin, or a manager that voided the run, was first */
    if (!passing(error) || directory_gone()) _exit(1);
    pause_ms(RETRY_MS);
  }
  claim_size = strlen(text);
  /* Who takes a claim away takes the intent away first: without it there was a claim before ours, and the run is over or void. */
  char path[64];
  struct stat st;
  file_name(path, "intent");
  if (lstat(path, &st) == 0 || errno != ENOENT) return;
  file_name(path, "claim");
  unlink(path);
  _exit(0);
}

static void failure_text(char text[160], struct failure f) {
  snprintf(text, 160, "{\"v\":1,\"kind\":\"failed\",\"step\":\"%s\",\"errno\":\"%s\",\"at\":%lld}\n", step_names[f.step], errno_name(f.error), now_ms(CLOCK_REALTIME));
}

/* the run was never executed; the child, if there is one, has said so and leaves by itself */
static _Noreturn void fail(struct intent *in, struct failure f) {
  char text[160];
  failure_text(text, f);
  while (put_file("exit", text, false) != 0 && add_to_claim(text) != 0 && !directory_gone()) pause_ms(RETRY_MS);
  if (command > 0) while (waitpid(command, NULL, 0) < 0 && errno == EINTR) continue;
  ring(in->token, 'F');
  _exit(0);
}

static const char *end_text(void) {
  static char text[160]; /* the end is recorded with the time when it was seen, also when the disk is full now */
  if (text[0] == '\0') {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    while (waitid(P_PID, (id_t)command, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) continue;
    long long at = now_ms(CLOCK_REALTIME);
    if (info.si_code == CLD_EXITED) snprintf(text, sizeof text, "{\"v\":1,\"kind\":\"code\",\"code\":%d,\"at\":%lld}\n", info.si_status & 0xff, at);
    else
      snprintf(text, sizeof text, "{\"v\":1,\"kind\":\"signal\",\"signal\":%d,\"core\":%s,\"at\":%lld}\n", info.si_status, info.si_code == CLD_DUMPED ? "true" : "false", at);
  }
  return text;
}

static int put_exit(void) {
  int error = put_file("exit", end_text(), false);
  return error == 0 || add_to_claim(end_text()) == 0 ? 0 : error;
}

/* reap whoever has died, but not the command: its pid must stay ours */
static void look_for_dead(void) {
  siginfo_t info;
  for (;;) {
    memset(&info, 0, sizeof info);
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) return;
    if (info.si_pid == command) { ended = true; return; }
    waitpid(info.si_pid, NULL, WNOHANG);
  }
}

static int put_child(const long long ends[2]) {
  char text[400], start[40], boot[64];
  start_of(command, start, sizeof start);
  boot_name(boot, sizeof boot);
  int size = snprintf(text, sizeof text, "{\"v\":1,\"pid\":%d,\"start\":\"%s\",\"boot\":\"%s\",\"at\":%lld,\"out\":%lld,\"err\":%lld", (int)command, start, boot,
                      now_ms(CLOCK_REALTIME), ends[0], ends[1]);
  if (logs[0].memory) size += snprintf(text + size, 40, ",\"outFd\":%d", logs[0].fd);
  if (logs[1].memory) size += snprintf(text + size, 40, ",\"errFd\":%d", logs[1].fd);
  snprintf(text + size, 4, "}\n");
  int error = put_file("child", text, false);
  return error == 0 || add_to_claim(text) == 0 ? 0 : error;
}

/* what was captured in memory can still be opened for a moment by whoever is told of the end */
static _Noreturn void leave(void) {
  if (logs[0].memory || logs[1].memory) {
    shut(&ctl);
    shut(&input);
    shut(&notify);
    pause_ms(LINGER_MS);
  }
  _exit(0);
}

/* everything is told and nothing of the tree is left, or it is let go */
static void leave_if_empty(bool let_go) {
  if (!let_go && tree(0, false) > 0) return;
  if (command > 0) while (waitpid(command, NULL, 0) < 0 && errno == EINTR) continue;
  command = 0;
  if (let_go) {
    finish_logs(false);
    shut(&alive);
    leave();
  }
  for (;;) { /* the list of children may have missed one that was just moving: the kernel's word is final */
    pid_t r = waitpid(-1, NULL, WNOHANG);
    if (r == 0) return;
    if (r < 0 && errno == ECHILD) {
      char path[64];
      finish_logs(true);
      file_name(path, "rest"); /* that it is gone says that nothing of the tree is left, not that the keeper was killed */
      if (rest >= 0) unlink(path);
      shut(&rest);
      shut(&alive);
      leave();
    }
  }
}

static void adopt_descendants(void) {
#ifdef __linux__
  prctl(PR_SET_NAME, "procman-keeper", 0, 0, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
#endif
}

/* the command, behind the gate; `report`: where it says why it could not be executed. False and errno */
static bool fork_command(struct intent *in, int in_fd, int out_fd, int err_fd, int notice_fd, int *gate, int *report) {
  int gates[2], reports[2];
  if (!make_pipe(gates) || !make_pipe(reports) || (command = fork()) < 0) { command = 0; return false; }
  if (command == 0) {
    command = -1;
    close(gates[1]);
    child(in, gates[0], reports[1], in_fd, out_fd, err_fd, notice_fd);
  }
#ifdef __APPLE__
  session = command;
#endif
  close(gates[0]);
  close(reports[1]);
  *gate = gates[1];
  *report = reports[0];
  return true;
}

static int keep(const char *name, const char *bell_number) {
  struct intent in;
  struct stat st;
  long long ends[2];
  struct failure f = { STEP_INTENT, 0 };
  sigset_t waiting;
  char path[64];
  int in_reader = -1, gate = -1, report = -1, said[2] = { -1, -1 };

  if (!is_run_name(name)) return 2;
  run = name;
  self = getpid();
  inherited_umask = umask(0);
  setsid(); /* the starter has done it */
  set_descriptors(bell_number);
  set_signals(&waiting);
  adopt_descendants();
  file_name(path, "claim");
  if (lstat(path, &st) == 0) return 0; /* a late twin: touch nothing */
  f.error = read_intent(&in); /* before the claim only because it says whether there is to be an `in` */
  if (f.error == ENOENT) return 0; /* asked for by a process that was removed: another of its name, if any, has asked for itself */
  open_fifos(&in, &in_reader);
  claim();
  if (f.error != 0) fail(&in, f);

  f.step = STEP_LOG;
  log_age = in.log_age;
  log_total = in.log_total;
  int out_fd = open_stream(&logs[0], in.out, (enum sink)in.sinks[0], &in, &ends[0]);
  int err_fd = out_fd < 0 ? -1 : open_stream(&logs[1], in.err, (enum sink)in.sinks[1], &in, &ends[1]);
  if (err_fd < 0) { f.error = errno; fail(&in, f); }
  if (in_reader >= 0) fcntl(in_reader, F_SETFL, fcntl(in_reader, F_GETFL) & ~O_NONBLOCK);
  f.step = STEP_FORK;
  if ((in.notify > 0 && !make_pipe(said)) || !fork_command(&in, in_reader, out_fd, err_fd, said[1], &gate, &report)) { f.error = errno; fail(&in, f); }
  close(out_fd);
  close(err_fd);
  shut(&said[1]);
  if ((notice = said[0]) >= 0) {
    small_pipe(notice);
    fcntl(notice, F_SETFL, O_NONBLOCK);
  }

  enum phase phase = RECORD;
  bool stuck = false; /* before the command runs, commands wait in the FIFO, unless it takes long */
  long long deadline = 0;
  for (;;) {
    long timeout = -1;
    if (phase == RECORD) {
      int error = put_child(ends);
      if (error == 0) {
        write_all(gate, "g", 1);
        shut(&gate);
        phase = EXEC;
        stuck = false;
      } else if (directory_gone()) killing = true;
    }
    if (!ended) look_for_dead();
    if ((phase == RECORD || phase == RUN) && ended) phase = EXIT; /* RECORD: it was killed behind the gate */
    if (notice >= 0 && phase == EXIT) hear(); /* its last words */
    if (notify >= 0) tell_ready();
    if (phase == EXIT) {
      if (put_exit() == 0) {
        shut(&input);
        shut(&notify);
        ring(in.token, 'F'); /* only if it has not rung yet */
        if (in.leave && !killing && !whole) leave_if_empty(true);
        leave_if_empty(false);
        phase = REST;
        rest = open_fifo("rest", false, NULL); /* if that fails, `alive` stays open until the tree is gone */
        if (rest >= 0) { small_pipe(rest); shut(&alive); }
        deadline = now_ms(CLOCK_MONOTONIC) + in.grace;
        if (!killing) {
          static pid_t list[MAX_TERMED];
          termed = list;
          signal_group(SIGTERM);
          signal_group(SIGCONT);
          tree(SIGTERM, true);
        }
      } else if (directory_gone()) killing = true;
    }
    if (phase == REST) {
      if (!killing && now_ms(CLOCK_MONOTONIC) >= deadline) killing = true;
      if (!killing) tree(SIGTERM, true); /* those that became ours since */
    }
    if (killing) kill_tree();
    if (phase == REST) leave_if_empty(false);
    if (killing && ended && phase != REST && directory_gone()) leave_if_empty(false);

    if (phase == RECORD || phase == EXEC || phase == EXIT || (notify >= 0 && ready_at > 0)) timeout = RETRY_MS;
    if (phase == EXEC && stuck) timeout = -1;
    if (phase == REST && !killing) {
      timeout = (long)(deadline - now_ms(CLOCK_MONOTONIC));
      if (timeout < 0) timeout = 0;
    }
    if (phase != RECORD && phase != EXEC) {
      long look = tend_logs();
      if (look >= 0 && (timeout < 0 || look < timeout)) timeout = look;
    }
#ifndef __linux__
    if ((phase == REST || (killing && ended)) && (timeout < 0 || timeout > 20)) timeout = 20; /* no subreaper: their ends are not told */
#endif
    fd_set readable;
    FD_ZERO(&readable);
    bool listening = (phase != RECORD && phase != EXEC) || stuck;
    if (listening) FD_SET(ctl, &readable);
    if (phase == EXEC) FD_SET(report, &readable);
    bool hearing = notice >= 0 && phase != RECORD && phase != EXEC;
    if (hearing) FD_SET(notice, &readable);
    if (eyes >= 0) FD_SET(eyes, &readable);
    int highest = ctl > report ? ctl : report;
    if (notice > highest) highest = notice;
    if (eyes > highest) highest = eyes;
    struct timespec wait = { timeout / 1000, (timeout % 1000) * 1000000 };
    int n = pselect(highest + 1, &readable, NULL, NULL, timeout < 0 ? NULL : &wait, &waiting);
    if (n == 0 && (phase == RECORD || phase == EXEC)) stuck = true;
    if (n <= 0) continue;
    if (phase == EXEC && FD_ISSET(report, &readable)) {
      if (read_some(report, &f, sizeof f) == (ssize_t)sizeof f) fail(&in, f);
      shut(&report);
      ring(in.token, 'L');
      bool leave = in.leave;
      long long grace = in.grace;
      drop_intent(&in);
      in.leave = leave;
      in.grace = grace;
      shut(&in_reader);
      phase = RUN;
    }
    if (hearing && FD_ISSET(notice, &readable)) hear();
    if (eyes >= 0 && FD_ISSET(eyes, &readable)) see();
    if (listening && FD_ISSET(ctl, &readable)) serve();
  }
}

/* ---------------------------------------------------------------- guard */

#define LINK 3 /* to who has asked: how the command ended is written to it, and when its other end is closed, all is to go */

static int guard(char **args, char **env) {
  struct intent in = { .args = args, .env = env, .cwd = "." };
  struct failure f = { STEP_FORK, 0 };
  sigset_t waiting;
  char text[160];
  int gate, report = -1;
  bool told = false;

  self = getpid();
  inherited_umask = umask(0);
  if (fcntl(LINK, F_SETFD, FD_CLOEXEC) < 0) return 2;
  close_from(LINK + 1);
  set_signals(&waiting);
  adopt_descendants();
  if (!fork_command(&in, -1, 1, 2, -1, &gate, &report)) {
    f.error = errno;
    failure_text(text, f);
    return write_all(LINK, text, strlen(text)) != 0;
  }
  write_all(gate, "g", 1);
  for (;;) {
    if (!ended) look_for_dead();
    if (ended && report < 0) {
      if (!told) write_all(LINK, end_text(), strlen(end_text()));
      told = killing = true;
    }
    if (killing) kill_tree();
    if (told) leave_if_empty(false);

    fd_set readable;
    FD_ZERO(&readable);
    if (!killing) FD_SET(LINK, &readable);
    if (report >= 0) FD_SET(report, &readable);
    struct timespec *timeout = NULL;
#ifndef __linux__
    struct timespec soon = { 0, 20000000 }; /* no subreaper: their ends are not told */
    if (killing) timeout = &soon;
#endif
    if (pselect((report > LINK ? report : LINK) + 1, &readable, NULL, NULL, timeout, &waiting) <= 0) continue;
    if (FD_ISSET(LINK, &readable)) killing = true;
    if (report < 0 || !FD_ISSET(report, &readable)) continue;
    if (read_some(report, &f, sizeof f) == (ssize_t)sizeof f) {
      failure_text(text, f);
      write_all(LINK, text, strlen(text));
      told = true;
    }
    shut(&report);
  }
}

/* ---------------------------------------------------------------- spawn */

static char own_path[PATH_MAX];

static void find_own_path(const char *argv0) {
#ifdef __APPLE__
  uint32_t size = sizeof own_path;
  if (_NSGetExecutablePath(own_path, &size) == 0) return;
#else
  if (access("/proc/self/exe", X_OK) == 0) { /* also when the file has been replaced meanwhile */
    snprintf(own_path, sizeof own_path, "/proc/self/exe");
    return;
  }
#endif
  if (realpath(argv0, own_path) == NULL) snprintf(own_path, sizeof own_path, "%s", argv0);
}

static void complain(int fd, const char *dir, const char *name, int error) {
  char line[PATH_MAX + 128];
  int size = snprintf(line, sizeof line, "E\t%s\t%s\t%s\n", dir, name, errno_name(error));
  if (size >= (int)sizeof line) size = (int)sizeof line - 1;
  for (int tries = 0; tries < 3; tries++) {
    if (write(fd, line, (size_t)size) >= 0 || (errno != EAGAIN && errno != EINTR)) return;
    struct pollfd p = { fd, POLLOUT, 0 };
    poll(&p, 1, 500);
  }
}

/* in the vfork child: only plain system calls, and never back */
static _Noreturn void become_keeper(const char *dir, const char *name, int null) {
  static char arg0[] = "procman-keeper", arg1[] = "keep", arg3[] = "3";
  char *const args[] = { arg0, arg1, (char *)(size_t)name, arg3, NULL };
  char *const env[] = { NULL };
  int error = 0;
  setsid();
  if (dup2(1, 3) < 0 || chdir(dir) < 0) error = errno;
  else {
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    execve(own_path, args, env);
    error = errno;
  }
  complain(3, dir, name, error);
  _exit(127);
}

static __attribute__((noinline)) void start_keeper(const char *dir, const char *name, int null) {
  pid_t pid = vfork();
  if (pid == 0) become_keeper(dir, name, null);
  if (pid < 0) complain(1, dir, name, errno);
}

static void take_request(char *line, int null) {
  char *tab = strrchr(line, '\t');
  if (tab != NULL) *tab = '\0';
  if (tab == NULL || line[0] != '/' || !is_run_name(tab + 1)) complain(1, line, tab == NULL ? "" : tab + 1, EINVAL);
  else start_keeper(line, tab + 1, null);
}

static int spawner(const char *argv0) {
  static char buffer[PATH_MAX + 64];
  size_t size = 0;
  bool too_long = false;
  find_own_path(argv0);
  signal(SIGCHLD, SIG_IGN); /* nobody waits for keepers */
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  close_from(3);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return 1;
  if (null <= 3) null = fcntl(null, F_DUPFD_CLOEXEC, 4); /* 3 becomes the bell */
  for (;;) {
    ssize_t n = read_some(0, buffer + size, sizeof buffer - size);
    if (n < 0 && errno == EAGAIN) {
      struct pollfd p = { 0, POLLIN, 0 };
      poll(&p, 1, -1);
      continue;
    }
    if (n <= 0) return 0;
    size += (size_t)n;
    char *at = buffer, *end;
    while ((end = memchr(at, '\n', size - (size_t)(at - buffer))) != NULL) {
      *end = '\0';
      if (too_long) too_long = false;
      else if (memchr(at, '\0', (size_t)(end - at)) != NULL) complain(1, at, "", EINVAL);
      else if (end > at) take_request(at, null);
      at = end + 1;
    }
    size -= (size_t)(at - buffer);
    memmove(buffer, at, size);
    if (size == sizeof buffer) {
      if (!too_long) complain(1, "", "", ENAMETOOLONG);
      too_long = true;
      size = 0;
    }
  }
}

int main(int argc, char **argv, char **env) {
  if (argc >= 3 && strcmp(argv[1], "keep") == 0) return keep(argv[2], argc > 3 ? argv[3] : NULL);
  if (argc >= 3 && strcmp(argv[1], "guard") == 0) return guard(argv + 2, env);
  if (argc == 2 && strcmp(argv[1], "spawn") == 0) return spawner(argv[0]);
  if (argc == 2 && strcmp(argv[1], "version") == 0) return write_all(1, "procman-keeper 1\n", 17) != 0;
  static const char usage[] = "usage: procman-keeper keep run-N [BELL] | guard COMMAND [ARG...] | spawn | version\n";
  write_all(2, usage, sizeof usage - 1);
  return 2;
}
