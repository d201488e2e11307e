/*
 * Where the file system can neither collapse nor punch: whoever writes stands still while the rest is copied and the file is emptied.
 * A part of rotation.h. A child of the keeper lets them go on, also when the keeper is killed meanwhile: it then says first whether the file has been emptied,
 * as nobody could tell once they write again.
 */
struct frozen {
  int count;
  struct { pid_t pid; unsigned start; } who[MAX_FROZEN];
};

static struct frozen *frozen;
static pid_t thawer;
static int thaw_pipe = -1;

static unsigned start_hash(pid_t pid) {
  char start[40];
  start_of(pid, start, sizeof start);
  return hash(start, strlen(start));
}

static char state_of(pid_t pid) { /* '\0': not there */
#ifdef __linux__
  char path[40], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  char *at = read_text(path, text, sizeof text) ? strrchr(text, ')') : NULL;
  return at == NULL || at[1] == '\0' ? '\0' : at[2];
#else
  int name[4] = { CTL_KERN, KERN_PROC, KERN_PROC_PID, (int)pid };
  struct kinfo_proc info;
  size_t length = sizeof info;
  if (sysctl(name, 4, &info, &length, NULL, 0) < 0 || length == 0) return '\0';
  return info.kp_proc.p_stat == SSTOP ? 'T' : info.kp_proc.p_stat == SZOMB ? 'Z' : 'R';
#endif
}

static void thaw(void) {
  shut(&thaw_pipe);
  if (thawer > 0) while (waitpid(thawer, NULL, 0) < 0 && errno == EINTR) continue;
  thawer = 0;
}

static bool start_thawer(struct log *l) {
  int fds[2];
  char nothing;
  if (frozen == NULL) {
    frozen = mmap(NULL, sizeof *frozen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
    if (frozen == MAP_FAILED) { frozen = NULL; return false; }
  }
  frozen->count = 0;
  if (!make_pipe(fds)) return false;
  thawer = fork();
  if (thawer == 0) {
    struct place p;
    struct stat st;
    int *ends[] = { &fds[1], &bell, &ctl, &alive, &input, &rest, &notify, &notice };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) shut(ends[i]); /* who waits for the end of the keeper does not wait for this one */
    while (read_some(fds[0], &nothing, 1) > 0) continue;
    if (read_place(l->place_fd, &p) && p.flux == 2 && fstat(l->fd, &st) == 0) save(l, settled(l, true, p, &st));
    for (int i = 0; i < frozen->count; i++)
      if (start_hash(frozen->who[i].pid) == frozen->who[i].start) kill(frozen->who[i].pid, SIGCONT);
    _exit(0);
  }
  close(fds[0]);
  thaw_pipe = fds[1];
  if (thawer > 0) return true;
  thawer = 0;
  shut(&thaw_pipe);
  return false;
}

struct cold { long long deadline; int news; bool failed; };

static void freeze_below(struct cold *c, pid_t pid);

/* it, and what it has started. Its children cannot become strangers: it does not run to reap them */
static void freeze_one(struct cold *c, pid_t pid) {
  if (pid <= 0 || pid == self || pid == thawer || c->failed) return;
  for (int i = 0; i < frozen->count; i++)
    if (frozen->who[i].pid == pid) return;
  char state = state_of(pid);
  if (state == '\0' || state == 'Z') return;
  if (frozen->count == MAX_FROZEN) { c->failed = true; return; }
  if (state != 'T') { /* who stands still already is not ours to let go on */
    frozen->who[frozen->count].start = start_hash(pid);
    frozen->who[frozen->count++].pid = pid;
    c->news++;
    kill(pid, SIGSTOP);
    struct timespec little = { 0, 100000 };
    while ((state = state_of(pid)) != 'T' && state != 't' && state != 'Z' && state != '\0') {
      if (now_ms(CLOCK_MONOTONIC) > c->deadline) { c->failed = true; return; }
      nanosleep(&little, NULL);
    }
  }
  freeze_below(c, pid);
}

static void freeze_each(void *cold, pid_t pid) { freeze_one(cold, pid); }

static void freeze_below(struct cold *c, pid_t pid) {
#ifdef __linux__
  each_child(pid, freeze_each, c);
#else
  (void)c; (void)pid;
#endif
}

/* the whole tree. False: it could not be; in any case, `thaw` */
static bool freeze_tree(struct log *l) {
  struct cold c = { now_ms(CLOCK_MONOTONIC) + FREEZE_MS, 0, false };
  if (!start_thawer(l)) return false;
  do {
    c.news = 0;
    if (command > 0 && !ended) freeze_one(&c, command);
    each_own(freeze_each, &c);
  } while (c.news > 0 && !c.failed);
  return !c.failed;
}

/* 0, or the errno */
static int copy_rest(struct log *l, long long size) {
  off_t from = l->done;
  while (from < size) {
    ssize_t n = copy_some(l->fd, &from, l->temp, (size_t)(size - from < SLICE ? size - from : SLICE));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
  }
  return 0;
}

/* copies the rest (not to `discard` it) and empties the live file. True: go on at once */
static bool freeze_and_empty(struct log *l, bool discard) {
  struct stat st, later;
  bool still = freeze_tree(l) && fstat(l->fd, &st) == 0;
  if (!still && discard) { thaw(); give_up(l); return false; }
  int error = still && !discard ? copy_rest(l, st.st_size) : 0;
  if (error != 0) {
    thaw();
    if (is_full(error)) no_room(l, st.st_size);
    else give_up(l);
    return l->place_fd >= 0;
  }
  if (!discard && !name_segment(l, still ? st.st_size : l->cut)) { thaw(); return false; }
  bool steady = still && fstat(l->fd, &later) == 0 && later.st_size == st.st_size; /* else somebody writes who is not of this tree */
  if (steady) {
    struct place next = l->at;
    next.head = next.base + st.st_size;
    next.flux = 2;
    next.size = st.st_size;
    if (save(l, next) == 0) {
      point("emptying");
      if (ftruncate(l->writer, 0) == 0) next.base = next.head;
      point("emptied");
      next.flux = 0;
      next.size = 0;
      save(l, next);
    }
  }
  thaw();
  if (!discard) retain_after_cut(l);
  if (discard && !steady) { give_up(l); return false; }
  answer(l);
  let_go(l);
  return false;
}
