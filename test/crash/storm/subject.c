/*
 * What the storm has executed. Its first act is a line in the trace file, and the last one before it ends by itself is another: the truth without procman's files.
 * Compiled once by the driver. Arguments: trace file, lock file, nonce, id, incarnation, script (see plan.mjs).
 *
 *   B nonce id incarnation run pid µs              it began
 *   E nonce id incarnation run pid µs x|s N O E    it ends itself with code or signal N, having written O and E lines to stdout and stderr
 *   G nonce id incarnation run pid µs              the child that it leaves behind
 *   F nonce id incarnation run pid µs              that child, which nobody was to stop, ends by itself
 *   O nonce id incarnation run pid µs              something of another run of the same id is alive at this moment
 *
 * The lock is inherited by all that it forks, so it is free only when the whole tree of the last run is gone. A child that is to be left gives it up.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* so long does a child live that is to be left */
#define LEFT_FOR_MS 700

static int trace = -1;
static char **given;
static int run;
static volatile sig_atomic_t told;

static void tell(char what, const char *more) {
  char line[512];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int size = snprintf(line, sizeof line, "%c %s %s %s %d %d %lld%s\n", what, given[3], given[4], given[5], run, (int)getpid(),
                      (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000, more);
  if (write(trace, line, (size_t)size) != size) _exit(98);
}

static void doze(long ms) {
  struct timespec wait = { ms / 1000, (ms % 1000) * 1000000 };
  while (nanosleep(&wait, &wait) < 0 && errno == EINTR && !told) continue;
}

static void block_all(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
}

/* Nothing but SIGKILL can come between the line and the end that it tells of. */
static void end_with(char how, int number, long out, long err) {
  char more[80];
  block_all();
  snprintf(more, sizeof more, " %c %d %ld %ld", how, number, out, err);
  tell('E', more);
  if (how == 'x') _exit(number);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  signal(number, SIG_DFL);
  kill(getpid(), number);
  sigprocmask(SIG_UNBLOCK, &one, NULL);
  for (;;) pause();
}

static void on_term(int number) { (void)number; told = 1; }

/* a child in a session of its own, whose parent has gone. t: obeys SIGTERM, u: is deaf to it; n: deaf, and its environment is cleared; v: ends by itself */
static void leave_child(char kind, int lock) {
  if (fork() != 0) return;
  setsid();
  if (fork() != 0) _exit(0);
  sigset_t none;
  sigemptyset(&none);
  signal(SIGTERM, kind == 'u' || kind == 'n' ? SIG_IGN : SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (kind == 'n')
    for (char **variable = environ; *variable != NULL; variable++) memset(*variable, 0, strlen(*variable));
  tell('G', "");
  if (kind != 'v') for (;;) pause();
  close(lock);
  doze(LEFT_FOR_MS);
  block_all();
  tell('F', "");
  _exit(0);
}

static void put(int fd, const char *text, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, text, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) _exit(97);
    text += n;
    size -= (size_t)n;
  }
}

/* `batch` lines go out in one write: whole lines, as a program with buffers writes them */
static void write_lines(long count, long written[2]) {
  static char text[64 * 64];
  static const char names[2] = { 'o', 'e' };
  for (long done = 0; done < count && !told;) {
    long batch = 1 + done % 60;
    if (batch > count - done) batch = count - done;
    for (int stream = 0; stream < 2; stream++) {
      size_t size = 0;
      for (long i = 1; i <= batch; i++) size += (size_t)snprintf(text + size, sizeof text - size, "%s %d %c %ld\n", given[5], run, names[stream], done + i);
      put(stream + 1, text, size);
      written[stream] = done + batch;
    }
    done += batch;
  }
}

/* answers each line that it reads with a numbered one, until its stdin ends */
static long answer_lines(void) {
  char text[4096], line[64];
  long count = 0;
  for (;;) {
    ssize_t n = read(0, text, sizeof text);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return count;
    for (ssize_t i = 0; i < n; i++) {
      if (text[i] != '\n') continue;
      int size = snprintf(line, sizeof line, "%s %d o %ld\n", given[5], run, ++count);
      put(1, line, (size_t)size);
    }
  }
}

int main(int argc, char **argv) {
  long written[2] = { 0, 0 };
  int acts = 1;
  struct rlimit no_core = { 0, 0 };
  block_all();
  if (argc != 7 || getenv("PROCMAN_RUN") == NULL) return 99;
  given = argv;
  run = atoi(getenv("PROCMAN_RUN"));
  setrlimit(RLIMIT_CORE, &no_core);
  trace = open(argv[1], O_WRONLY | O_APPEND | O_CLOEXEC);
  int lock = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (trace < 0 || lock < 0) return 96;
  tell('B', "");
  if (flock(lock, LOCK_EX | LOCK_NB) < 0) tell('O', "");

  for (const char *c = argv[6]; *c != '\0'; c++) acts += *c == ',';
  char *act = argv[6];
  for (int skip = (run - 1) % acts; skip > 0; skip--) act = strchr(act, ',') + 1;
  char *rest;
  char letter = *act;
  long first = strtol(act + 1, &rest, 10), second = *rest == '@' ? atol(rest + 1) : 0;

  if (strchr("hW", letter) != NULL) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_term;
    sigaction(SIGTERM, &action, NULL);
  }
  if (letter == 'd') signal(SIGTERM, SIG_IGN);
  if (strchr("tTuUnNv", letter) != NULL) leave_child((char)(letter | 0x20), lock);
  sigset_t none;
  sigemptyset(&none);
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  /* who waits to be told lets SIGTERM in only while waiting, so that it cannot be missed */
  sigprocmask(SIG_SETMASK, letter == 'h' ? &term : &none, NULL);
  switch (letter) {
    case 'x': case 't': case 'u': case 'n': case 'v': doze(second); end_with('x', (int)first, 0, 0); break;
    case 's': doze(second); end_with('s', (int)first, 0, 0); break;
    case 'r': written[0] = answer_lines(); end_with('x', (int)first, written[0], 0); break;
    case 'w': write_lines(first, written); end_with('x', (int)second, written[0], written[1]); break;
    case 'W':
      write_lines(3000, written);
      sigprocmask(SIG_SETMASK, &term, NULL);
      while (!told) sigsuspend(&none);
      end_with('x', (int)first, written[0], written[1]);
      break;
    case 'h':
      while (!told) sigsuspend(&none);
      end_with('x', (int)first, 0, 0);
      break;
    default: for (;;) pause();
  }
}
