/* The logs of a run: where the two streams go, when they are looked at, and the end of it. A part of keeper.c. */
#define TURN_MS 4000 /* for what is to be finished before the end is told */

static int eyes = -1; /* inotify, or kqueue */

static void on_grown(int signal) { (void)signal; grown = 1; }

/* where the log ends, logical. `st`: of the live file */
static long long log_end(const struct log *l, const struct stat *st) {
  char name[160];
  struct place p, again;
  struct stat now = *st;
  snprintf(name, sizeof name, "%s.place", l->stem);
  int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return st->st_size;
  long long end = st->st_size;
  for (int tries = 0; tries < 500; tries++) { /* another keeper may be at it */
    if (read_place(fd, &p) && p.flux == 0 && (l->fd < 0 || fstat(l->fd, &now) == 0) && read_place(fd, &again) && again.flux == 0 && p.base == again.base) {
      end = (p.ino != 0 && p.ino != (unsigned long long)now.st_ino ? p.head : p.base) + now.st_size;
      if (end < p.head) end = p.head;
      break;
    }
    pause_ms(2);
  }
  close(fd);
  return end;
}

static void name_log(struct log *l, const char *name) {
  size_t size = strlen(name);
  snprintf(l->name, sizeof l->name, "%s", name);
  snprintf(l->stem, sizeof l->stem, "%s", name);
  if (size > 4 && strcmp(name + size - 4, ".log") == 0) l->stem[size - 4] = '\0';
}

static int open_memory(struct log *l, long long buffer) {
#if defined(__linux__) && defined(SYS_memfd_create)
  char path[40];
  l->fd = (int)syscall(SYS_memfd_create, l->stem, 1U /* MFD_CLOEXEC */);
  if (l->fd < 0) return -1;
  snprintf(path, sizeof path, "/proc/self/fd/%d", l->fd);
  int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC); /* through the one that was made, nobody would be told that it grows */
  if (fd < 0) { shut(&l->fd); return -1; }
  l->memory = true;
  l->block = BLOCK;
  l->keep = buffer;
  l->max = buffer + buffer / 4;
  return fd;
#else
  (void)l; (void)buffer;
  errno = ENOSYS;
  return -1;
#endif
}

/* of the live file: what the keeper itself needs of it */
static void open_rotated(struct log *l, const struct stat *out, const struct intent *in, bool ring) {
  struct stat st;
  l->fd = open(l->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (l->fd < 0) return;
  if (fstat(l->fd, &st) < 0 || st.st_ino != out->st_ino || st.st_dev != out->st_dev) { shut(&l->fd); return; }
  l->block = st.st_blksize > BLOCK && st.st_blksize <= 65536 && (st.st_blksize & (st.st_blksize - 1)) == 0 ? st.st_blksize : BLOCK;
  l->files = ring ? 0 : in->log_files;
  l->keep = ring ? in->log_buffer : in->log_size / 2;
  l->max = ring ? in->log_buffer + in->log_buffer / 4 : in->log_size > 0 ? in->log_size : NEVER;
  if (!ring && log_total > 0 && in->log_size > 0 && l->max > log_total / 4) l->max = log_total / 4; /* both live files count, and some segments are to be kept */
  l->max = l->max <= l->block ? l->block : floored(l, l->max + l->block - 1);
  l->way = (enum way)in->log_way;
  char place[160];
  snprintf(place, sizeof place, "%s.place", l->stem);
  if (access(place, F_OK) == 0 && take(l)) let_go(l);
}

/* what the command is to write to, and where in the log that begins. -1 and errno */
static int open_stream(struct log *l, const char *name, enum sink sink, const struct intent *in, long long *end) {
  struct stat st = { 0 };
  int fd = -1;
  bool own = strlen(name) + 60 < NAME_SIZE && strchr(name, '/') == NULL && (l == &logs[0] || strcmp(name, logs[0].name) != 0);
  if (own) name_log(l, name);
  if (sink == TO_MEMORY) fd = open_memory(l, in->log_buffer);
  if (sink == TO_NONE) fd = open("/dev/null", O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd >= 0) {
    struct log file = *l;
    file.fd = -1;
    if (lstat(name, &st) < 0) memset(&st, 0, sizeof st);
    *end = own ? log_end(&file, &st) : 0;
    return fd;
  }
  if (sink == TO_NONE || (fd = open_log(name, &st)) < 0) return -1;
  if (own) open_rotated(l, &st, in, sink == TO_MEMORY);
  *end = own ? log_end(l, &st) : st.st_size;
  return fd;
}

static bool is_kept(const struct log *l) { return l->fd >= 0 && l->max < NEVER; }

/* once something is written, `grown` or `eyes` tell. False: nobody would */
static bool watch_logs(void) {
  bool all = true;
#ifdef __linux__
  static int dir_fd = -1;
  char path[40];
#endif
  for (int i = 0; i < 2; i++) {
    if (!is_kept(&logs[i])) continue;
#ifdef __linux__
    /* A user may have 128 inotify instances: too few for a thousand keepers. The older call has no such limit. */
    if (dir_fd < 0) dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!logs[i].memory && dir_fd >= 0 && fcntl(dir_fd, F_NOTIFY, DN_MODIFY) == 0) continue;
    if (eyes < 0) eyes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    snprintf(path, sizeof path, "/proc/self/fd/%d", logs[i].fd);
    if (eyes < 0 || inotify_add_watch(eyes, path, IN_MODIFY | IN_ONESHOT) < 0) all = false;
#elif defined(__APPLE__)
    struct kevent ask;
    if (eyes < 0) eyes = kqueue();
    EV_SET(&ask, (uintptr_t)logs[i].fd, EVFILT_VNODE, EV_ADD | EV_ONESHOT, NOTE_WRITE | NOTE_EXTEND, 0, NULL);
    if (eyes < 0 || kevent(eyes, &ask, 1, NULL, 0, NULL) < 0) all = false;
#else
    all = false;
#endif
  }
  return all;
}

static void see(void) {
#ifdef __linux__
  char events[512];
  while (read_some(eyes, events, sizeof events) > 0) continue;
#elif defined(__APPLE__)
  struct kevent events[2];
  struct timespec none = { 0, 0 };
  while (kevent(eyes, NULL, 0, events, 2, &none) > 0) continue;
#endif
  grown = 1;
}

/* has anything grown since the last look? *wait becomes less when room gets short */
static bool have_grown(long long elapsed, long *wait) {
  bool grew = false;
  struct stat st;
  for (int i = 0; i < 2; i++) {
    struct log *l = &logs[i];
    if (!is_kept(l) || fstat(l->fd, &st) < 0) continue;
    long long came = st.st_size - l->seen, room = l->max - (st.st_size - (l->memory ? l->done : head_in(l)));
    l->seen = st.st_size;
    if (came == 0) continue;
    grew = true;
    long long due = came < 0 || room <= 0 ? 0 : room / came * (elapsed > 0 ? elapsed : 1) / 2;
    if (due < *wait) *wait = due < LEAST_MS ? LEAST_MS : (long)due;
  }
  return grew;
}

/* a slice of work where there is some. How long until the next, in ms; -1: when a log grows */
static long tend_logs(void) {
  static long long next, last;
  static long wait = MOST_MS;
  static bool watching;
  long long now = now_ms(CLOCK_MONOTONIC);
  bool woken = grown != 0, asked = logs[0].manual || logs[0].clear || logs[1].manual || logs[1].clear;
  if (!asked && !is_kept(&logs[0]) && !is_kept(&logs[1])) return -1;
  grown = 0;
  if (!asked && watching && !woken) return -1;
  if (!asked && !woken && now < next) return (long)(next - now);
  bool busy = advance(&logs[0]);
  busy = advance(&logs[1]) || busy;
  if (busy) { /* writers get a turn between two things that they wait for */
    watching = false;
    next = now;
    return logs[0].stage >= PUNCHING || logs[1].stage >= PUNCHING ? 1 : 0;
  }
  long soon = MOST_MS;
  bool grew = have_grown(now - last, &soon);
  if (log_total > 0 && (is_kept(&logs[0]) || is_kept(&logs[1])) && logs[0].segments + logs[1].segments + live_bytes(&logs[0]) + live_bytes(&logs[1]) > log_total) retain();
  last = now;
  for (int i = 0; i < 2; i++)
    if (logs[i].again > now && logs[i].again - now < soon) soon = (long)(logs[i].again - now);
  bool quiet = !grew && wait >= MOST_MS && logs[0].again <= now && logs[1].again <= now;
  if (watching || woken) wait = LEAST_MS; /* how fast it comes is not known yet */
  else if (grew) wait = soon;
  else wait = wait < MOST_MS / 3 ? MOST_MS / 2 : MOST_MS;
  if (wait > soon) wait = soon;
  watching = quiet && watch_logs() && !have_grown(1, &soon);
  next = now + wait;
  return watching ? -1 : wait;
}

/* Before the end is told: who is told of it finds the log within its limits, and nobody at work there. `alone`: nobody is left who could write */
static void finish_logs(bool alone) {
  long long deadline = now_ms(CLOCK_MONOTONIC) + TURN_MS;
  struct stat st;
  for (int i = 0; i < 2; i++) {
    struct log *l = &logs[i];
    if (l->fd < 0 || l->memory) continue;
    while (advance(l) && now_ms(CLOCK_MONOTONIC) < deadline) continue;
    if (l->place_fd >= 0) give_up(l);
    if (!alone || l->way == COLLAPSE || l->files == 0 || head_in(l) == 0 || fstat(l->fd, &st) < 0 || !take(l)) continue;
    l->cut = st.st_size;
    if (l->cut <= head_in(l)) freeze_and_empty(l, true);
    else if (begin_copy(l, st.st_size)) freeze_and_empty(l, false);
    if (l->place_fd >= 0) give_up(l);
  }
  if (log_total > 0) retain();
}
