/*
 * The logs of the two streams: where they go, rotation, retention. A part of keeper.c; the contract is README.md, "Logs".
 * The live file is never replaced: commands have it open. Everything is done from its front, in slices, so that the keeper's other duties are not kept waiting.
 */
#define PLACE_SIZE 128
#define BLOCK 4096
#define SLICE (1 << 20)      /* bytes copied between two looks at the other duties */
#define HOLE (4 << 20)       /* bytes let go of at a time: who writes waits for that */
#define MOST_MS 250          /* between two looks at a log that grows */
#define LEAST_MS 10
#define FULL_MS 1000         /* until the next try on a full disk */
#define FREEZE_MS 200        /* for all of the tree to stop */
#define MAX_FROZEN 4096
#define NAME_SIZE 96
#define NEVER (1LL << 50) /* no log is that large */

#ifdef PROCMAN_CRASH /* for tests: the keeper is killed where CRASH_AT says */
static void point(const char *name) {
  const char *at = getenv("CRASH_AT");
  if (at != NULL && strcmp(at, name) == 0) kill(getpid(), SIGKILL);
}
#else
#define point(name) ((void)0)
#endif

enum way { COLLAPSE, PUNCH, FREEZE };
enum stage { IDLE, COPYING, PUNCHING, COLLAPSING };

struct place {
  unsigned long long ino;
  long long base, head, size, lost;
  int flux;
};

struct log {
  char name[NAME_SIZE], stem[NAME_SIZE];
  int fd, place_fd, temp, writer; /* fd: for reading; place_fd, and with it writer: open, and locked, while something is done */
  bool memory, manual, clear, answer, reserved;
  long long max, keep, files, block;
  struct place at;
  enum way way;
  enum stage stage;
  long long cut, done; /* physical: where the segment under way ends; how far the stage has come */
  long long seen;      /* size at the last look */
  long long segments;  /* bytes in segments, when last counted */
  long long kept;      /* segments, at most; -1: not counted yet */
  long long upto;      /* logical: what was there when rotation was asked for; 0: nobody has */
  long long again;     /* not before */
};

static struct log logs[2] = { { .fd = -1, .place_fd = -1, .temp = -1, .kept = -1 }, { .fd = -1, .place_fd = -1, .temp = -1, .kept = -1 } };
static long long log_age, log_total; /* 0: no limit */
static volatile sig_atomic_t grown;

/* ---------------------------------------------------------------- the place */

static unsigned hash(const char *text, size_t size) {
  unsigned h = 2166136261U;
  for (size_t i = 0; i < size; i++) h = (h ^ (unsigned char)text[i]) * 16777619U;
  return h;
}

static void place_text(char out[PLACE_SIZE], const struct place *p) {
  char text[256];
  int size = 0;
  for (int tries = 0; tries < 2; tries++) { /* an inode of 20 digits may not fit: it is not known then */
    size = snprintf(text, sizeof text, "{\"v\":1,\"ino\":%llu,\"base\":%lld,\"head\":%lld,\"flux\":%d,\"size\":%lld,\"lost\":%lld", tries == 0 ? p->ino : 0, p->base, p->head, p->flux,
                    p->size, p->lost);
    if (size <= PLACE_SIZE - 19) break;
  }
  size += snprintf(text + size, 20, ",\"sum\":\"%08x\"}", hash(text, (size_t)size));
  memset(out, ' ', PLACE_SIZE);
  memcpy(out, text, (size_t)size < PLACE_SIZE ? (size_t)size : PLACE_SIZE - 1);
  out[PLACE_SIZE - 1] = '\n';
}

static long long number_in(const char *text, const char *key) {
  const char *at = strstr(text, key);
  return at == NULL ? -1 : strtoll(at + strlen(key), NULL, 10);
}

static bool read_place(int fd, struct place *p) {
  char text[PLACE_SIZE + 1];
  ssize_t n = pread(fd, text, PLACE_SIZE, 0);
  if (n != PLACE_SIZE) return false;
  text[n] = '\0';
  const char *sum = strstr(text, ",\"sum\":\"");
  if (sum == NULL || strtoul(sum + 8, NULL, 16) != hash(text, (size_t)(sum - text))) return false;
  const char *ino = strstr(text, "\"ino\":");
  p->ino = ino == NULL ? 0 : strtoull(ino + 6, NULL, 10);
  p->base = number_in(text, "\"base\":");
  p->head = number_in(text, "\"head\":");
  p->flux = (int)number_in(text, "\"flux\":");
  p->size = number_in(text, "\"size\":");
  p->lost = number_in(text, "\"lost\":");
  return p->base >= 0 && p->head >= p->base && p->flux >= 0 && p->flux <= 2 && p->size >= 0 && p->lost >= 0;
}

/* 0, or the errno; what is in memory is what is on disk */
static int save(struct log *l, struct place next) {
  char text[PLACE_SIZE];
  ssize_t n;
  place_text(text, &next);
  do n = pwrite(l->place_fd, text, PLACE_SIZE, 0);
  while (n < 0 && errno == EINTR);
  if (n != PLACE_SIZE) return n < 0 ? errno : ENOSPC;
  l->at = next;
  return 0;
}

/* what is wanted and what lies there must be one plain file of nobody else's. -1 and errno */
static int open_own(const char *name, int flags) {
  struct stat st;
  for (int tries = 0; tries < 2; tries++) {
    int fd = open(name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1) return fd;
    int error = fd < 0 ? errno : EINVAL;
    if (fd >= 0) close(fd);
    errno = error;
    if (error != ELOOP && error != EISDIR && error != EINVAL && error != ENXIO && error != EMLINK) return -1;
    if ((errno = move_aside(name)) != 0) return -1;
  }
  return -1;
}

/* ---------------------------------------------------------------- segments */

static void segment_name(char out[160], const struct log *l, long long from, long long to) { snprintf(out, 160, "%s.%015lld-%015lld.log", l->stem, from, to); }
static void temp_name(char out[160], const struct log *l) { snprintf(out, 160, "%s.%015lld.log.tmp", l->stem, l->at.head); }

/* what follows the number; NULL: there is none */
static const char *take_number(const char *text, long long *number) {
  size_t digits = strspn(text, "0123456789");
  if (digits < 15 || digits > 18) return NULL;
  *number = atoll(text);
  return text + digits;
}

struct segment { long long from, to; bool packed; };

static bool is_segment(const struct log *l, const char *name, struct segment *s) {
  size_t size = strlen(l->stem);
  if (l->fd < 0 || strncmp(name, l->stem, size) != 0 || name[size] != '.') return false;
  const char *at = take_number(name + size + 1, &s->from);
  if (at == NULL || *at != '-' || (at = take_number(at + 1, &s->to)) == NULL || strncmp(at, ".log", 4) != 0) return false;
  s->packed = strcmp(at + 4, ".gz") == 0 || strcmp(at + 4, ".zst") == 0;
  return s->packed || at[4] == '\0';
}

/* of a segment that was being written when its keeper was killed */
static bool is_temp(const struct log *l, const char *name) {
  long long from;
  size_t size = strlen(l->stem);
  if (strncmp(name, l->stem, size) != 0 || name[size] != '.') return false;
  const char *at = take_number(name + size + 1, &from);
  return at != NULL && strcmp(at, ".log.tmp") == 0;
}

static void remove_segment(const struct log *l, struct segment s) {
  static const char ends[][5] = { "", ".gz", ".zst" };
  char name[160], each[180];
  segment_name(name, l, s.from, s.to);
  for (int i = 0; i < 3; i++) {
    snprintf(each, sizeof each, "%s%s", name, ends[i]);
    unlink(each);
  }
}

struct tally { long long files, bytes, end; struct segment oldest; time_t at; };

/* counts the segments of both streams; of one that lies there twice, while it is compressed, the files count once */
static bool count(struct tally t[2]) {
  DIR *dir = opendir(".");
  struct dirent *entry;
  struct segment s;
  struct stat st;
  char plain[160];
  memset(t, 0, 2 * sizeof *t);
  if (dir == NULL) return false;
  while ((entry = readdir(dir)) != NULL)
    for (int i = 0; i < 2; i++) {
      if (!is_segment(&logs[i], entry->d_name, &s)) continue;
      if (s.to > t[i].end) t[i].end = s.to;
      bool older = t[i].files == 0 || s.from < t[i].oldest.from;
      if ((older || log_total > 0) && lstat(entry->d_name, &st) < 0) continue;
      if (log_total > 0) t[i].bytes += st.st_size;
      if (older) { t[i].oldest = s; t[i].at = st.st_mtime; }
      segment_name(plain, &logs[i], s.from, s.to);
      if (!s.packed || access(plain, F_OK) < 0) t[i].files++;
    }
  closedir(dir);
  return true;
}

static long long live_bytes(const struct log *l) {
  struct stat st;
  if (l->fd < 0 || l->memory || fstat(l->fd, &st) < 0) return 0;
  return st.st_size - (l->at.head - l->at.base);
}

/* whose oldest segment is to go; NULL: none */
static struct log *beyond(const struct tally t[2]) {
  long long now = now_ms(CLOCK_REALTIME);
  for (int i = 0; i < 2; i++) {
    if (t[i].files == 0) continue;
    if (t[i].files > logs[i].files || (log_age > 0 && (long long)t[i].at * 1000 + log_age < now)) return &logs[i];
  }
  if (log_total == 0 || t[0].bytes + t[1].bytes + live_bytes(&logs[0]) + live_bytes(&logs[1]) <= log_total) return NULL;
  if (t[0].files == 0 || t[1].files == 0) return t[0].files > 0 ? &logs[0] : t[1].files > 0 ? &logs[1] : NULL;
  return t[0].at <= t[1].at ? &logs[0] : &logs[1];
}

static void retain(void) {
  struct tally t[2];
  struct log *l;
  while (count(t)) {
    logs[0].segments = t[0].bytes;
    logs[1].segments = t[1].bytes;
    logs[0].kept = t[0].files;
    logs[1].kept = t[1].files;
    if ((l = beyond(t)) == NULL) return;
    remove_segment(l, t[l - logs].oldest);
  }
}

static void retain_after_cut(struct log *l) {
  if (l->kept >= 0) l->kept++;
  if (l->kept < 0 || l->kept > l->files || log_age > 0 || log_total > 0) retain();
}

/* ---------------------------------------------------------------- what the file system does for us. Each: 0, or the errno */

static int punch(int fd, long long from, long long to) {
#if defined(__linux__)
  return fallocate(fd, 3 /* FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */, from, to - from) < 0 ? errno : 0;
#elif defined(F_PUNCHHOLE)
  struct fpunchhole hole = { 0, 0, from, to / BLOCK * BLOCK - from };
  return hole.fp_length > 0 && fcntl(fd, F_PUNCHHOLE, &hole) < 0 ? errno : 0;
#else
  (void)fd; (void)from; (void)to;
  return EOPNOTSUPP;
#endif
}

static int collapse(int fd, long long size) {
#ifdef __linux__
  return fallocate(fd, 8 /* FALLOC_FL_COLLAPSE_RANGE */, 0, size) < 0 ? errno : 0;
#else
  (void)fd; (void)size;
  return EOPNOTSUPP;
#endif
}

/* a collapse writes out, under the lock that writers wait for, what is not on disk yet: have it there before */
static void write_out(int fd) {
#ifdef __linux__
  sync_file_range(fd, 0, 0, 7);
  sync_file_range(fd, 0, 0, 7); /* what came meanwhile */
#else
  (void)fd;
#endif
}

static bool unsupported(int error) { return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == ENOTTY || error == EPERM; }
static bool is_full(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

static char slice[65536]; /* no pipe holds more; touched only where the kernel does not copy by itself */

/* `*from` goes along; 0: nothing there. -1 and errno */
static ssize_t copy_some(int in, off_t *from, int out, size_t size) {
#ifdef __linux__
  ssize_t n = copy_file_range(in, from, out, NULL, size, 0);
  if (n > 0 || (n < 0 && (is_full(errno) || errno == EINTR))) return n;
#endif
  if (size > sizeof slice) size = sizeof slice;
  ssize_t got = pread(in, slice, size, *from);
  if (got <= 0) return got;
  int error = write_all(out, slice, (size_t)got);
  if (error != 0) { errno = error; return -1; }
  *from += got;
  return got;
}

/* ---------------------------------------------------------------- rotation */

static long long floored(const struct log *l, long long size) { return size > 0 ? size - size % l->block : 0; }
static long long head_in(const struct log *l) { return l->at.head - l->at.base; } /* physical */

static void let_go(struct log *l) {
  shut(&l->writer);
  shut(&l->place_fd); /* and with it the lock */
  l->stage = IDLE;
}

static void drop_temp(struct log *l) {
  char name[160];
  if (l->temp < 0) return;
  shut(&l->temp);
  temp_name(name, l);
  unlink(name);
}

/* for later */
static void give_up(struct log *l) {
  drop_temp(l);
  let_go(l);
  l->again = now_ms(CLOCK_MONOTONIC) + FULL_MS;
}

/* a segment may be there whose keeper was killed before it said so */
static long long end_of_segments(struct log *l, bool clean) {
  DIR *dir = opendir(".");
  struct dirent *entry;
  struct segment s;
  long long end = 0;
  while (dir != NULL && (entry = readdir(dir)) != NULL) {
    if (is_segment(l, entry->d_name, &s) && s.to > end) end = s.to;
    if (clean && is_temp(l, entry->d_name)) unlink(entry->d_name);
  }
  if (dir != NULL) closedir(dir);
  return end;
}

/* where the live file stands, whatever was under way when the last keeper was killed */
static struct place settled(struct log *l, bool known, struct place p, const struct stat *st) {
  long long first = lseek(l->fd, 0, SEEK_DATA), size = st->st_size;
  if (first < 0) first = size;
  if (!known) { /* none yet, or it was taken away: what the segments and the hole in front tell */
    p = (struct place){ .head = end_of_segments(l, false) };
    p.base = p.head > 0 && floored(l, first) <= p.head ? p.head - floored(l, first) : p.head;
  } else if (p.ino != 0 && p.ino != (unsigned long long)st->st_ino) p.base = p.head; /* another file */
  else if (p.flux == 1) {
    long long cut = floored(l, p.head - p.base);
    p.base += cut - (first < cut ? floored(l, first) : cut);
  } else if (p.flux == 2 && size < p.size) p.base = p.head;
  p.flux = 0;
  p.size = 0;
  p.ino = (unsigned long long)st->st_ino;
  long long end = end_of_segments(l, true);
  if (end > p.head) p.head = end;
  if (p.base + size < p.head) p.base = p.head; /* emptied by its own program */
  return p;
}

/* whole from the beginning, for those who read it. -1 and errno */
static int make_place(struct log *l, const char *name, const struct stat *st) {
  char temp[180], text[PLACE_SIZE];
  struct place first = settled(l, false, (struct place){ 0 }, st);
  snprintf(temp, sizeof temp, "%s.%d.tmp", name, (int)self);
  unlink(temp);
  int fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  place_text(text, &first);
  int error = write_all(fd, text, PLACE_SIZE);
  if (error == 0 && link(temp, name) < 0) error = errno;
  unlink(temp);
  close(fd);
  errno = error;
  return error == 0 || error == EEXIST ? open_own(name, O_RDWR) : -1;
}

/* Of the live file, which is open for reading only: a keeper that does nothing is not in the way of who wants its disk read-only. */
static bool open_writer(struct log *l, const struct stat *live) {
  struct stat st;
#ifdef __linux__
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", l->fd);
  l->writer = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
#endif
  if (l->writer < 0) l->writer = open(l->name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (l->writer < 0) return false;
  if (fstat(l->writer, &st) == 0 && st.st_ino == live->st_ino && st.st_dev == live->st_dev) return true;
  shut(&l->writer);
  return false;
}

/* opens and locks the place, and finishes what another keeper has left unfinished. False: not now */
static bool take(struct log *l) {
  char name[160];
  struct stat st;
  struct place p = { 0 };
  if (l->place_fd >= 0) return true;
  snprintf(name, sizeof name, "%s.place", l->stem);
  if (fstat(l->fd, &st) < 0) return false;
  l->place_fd = open_own(name, O_RDWR);
  if (l->place_fd < 0 && errno == ENOENT) l->place_fd = make_place(l, name, &st);
  if (l->place_fd >= 0 && flock(l->place_fd, LOCK_EX | LOCK_NB) == 0 && fstat(l->fd, &st) == 0 && open_writer(l, &st)) {
    bool known = read_place(l->place_fd, &p);
    struct place now = settled(l, known, p, &st);
    l->at = known ? p : now;
    bool same = known && p.ino == now.ino && p.base == now.base && p.head == now.head && p.flux == now.flux;
    if (same || save(l, now) == 0) return true;
  }
  give_up(l);
  return false;
}

/* the end of the next segment, physical; not beyond the head: none */
static long long next_cut(const struct log *l, long long size) {
  long long head = head_in(l), last = l->way == FREEZE ? size : floored(l, size - 1); /* a collapse must leave something */
  if (l->files == 0) return l->upto > 0 ? last : size - head > l->max ? floored(l, size - l->keep) : 0;
  if (size - head > l->max) return floored(l, head + l->max) < last ? floored(l, head + l->max) : last;
  if (l->upto == 0) return 0;
  return l->upto - l->at.base < last ? l->upto - l->at.base : last;
}

/* the oldest goes now instead of after the cut, if it would go then; false: it would not */
static bool make_room(struct log *l) {
  struct tally t[2];
  if (!count(t) || t[l - logs].files < l->files || t[l - logs].files == 0) return false;
  remove_segment(l, t[l - logs].oldest);
  return true;
}

static void no_room(struct log *l, long long size) {
  struct place next = l->at;
  drop_temp(l);
  if (make_room(l)) { l->stage = IDLE; return; }
  if ((size - head_in(l)) / (l->files + 1) > l->max) { /* more than would be kept on a disk with room */
    next.head += l->cut - head_in(l);
    next.lost += next.head - l->at.head;
    if (save(l, next) == 0) { l->stage = PUNCHING; l->done = 0; return; }
  }
  give_up(l);
}

/* the segment is whole: it gets its name, then the head goes on */
static bool name_segment(struct log *l, long long to) {
  char temp[160], name[160];
  struct place next = l->at;
  temp_name(temp, l);
  segment_name(name, l, l->at.head, l->at.base + to);
  shut(&l->temp);
  point("copied");
  struct stat st;
  if (lstat(name, &st) == 0 && move_aside(name) != 0) { give_up(l); return false; }
  if (rename(temp, name) < 0) { give_up(l); return false; }
  point("named");
  next.head = l->at.base + to;
  if (save(l, next) != 0) { unlink(name); give_up(l); return false; }
  point("head");
  return true;
}

static void answer(struct log *l) {
  if (l->answer && l->place_fd >= 0) save(l, l->at); /* who has asked sees that something was written */
  l->answer = l->manual = false;
  l->upto = 0;
}

#include "freeze.h"

static bool begin_copy(struct log *l, long long size) {
  char name[160];
  struct place next = l->at;
  if (l->files == 0 && l->way == FREEZE) return freeze_and_empty(l, true);
  if (l->files == 0) { /* nothing is kept of it */
    next.head = l->at.base + l->cut;
    if (save(l, next) != 0) { give_up(l); return false; }
    l->stage = PUNCHING;
    l->done = 0;
    return true;
  }
  temp_name(name, l);
  l->temp = open_own(name, O_RDWR | O_CREAT | O_TRUNC);
  l->stage = COPYING;
  l->done = head_in(l);
  if (l->temp >= 0) return true;
  if (is_full(errno)) no_room(l, size);
  else give_up(l);
  return l->place_fd >= 0;
}

static bool copy(struct log *l, long long size) {
  off_t from = l->done;
  if (size < l->cut) { drop_temp(l); l->stage = IDLE; return true; } /* emptied meanwhile */
  long long left = l->cut - l->done;
  if (left > 0) {
    ssize_t n = copy_some(l->fd, &from, l->temp, (size_t)(left < SLICE ? left : SLICE));
    if (n < 0 && is_full(errno)) { no_room(l, size); return l->place_fd >= 0; }
    if (n <= 0 && !(n < 0 && errno == EINTR)) { give_up(l); return false; }
    l->done = from;
    point("copying");
    return true;
  }
  if (l->way == FREEZE && size - l->cut <= l->max) return freeze_and_empty(l, false);
  if (!name_segment(l, l->cut)) return false;
  l->stage = PUNCHING;
  l->done = 0;
  retain_after_cut(l);
  return true;
}

static bool punch_some(struct log *l, long long size) {
  long long head = head_in(l), to = l->done + HOLE < head ? l->done + HOLE : head;
  if (l->way == FREEZE || l->done >= head || size < head) {
    point("punched");
    l->stage = next_cut(l, size) > head ? IDLE : COLLAPSING;
    return true;
  }
  int error = punch(l->writer, l->done, to);
  if (error == 0) l->done = to;
  else if (unsupported(error)) l->way = FREEZE;
  else if (error != EINTR) { give_up(l); return false; }
  point("punching");
  return true;
}

static void close_up(struct log *l, long long size) {
  struct place next = l->at;
  long long cut = floored(l, head_in(l) < size - 1 ? head_in(l) : size - 1);
  if (l->way != COLLAPSE || cut <= 0) return;
  next.flux = 1;
  if (save(l, next) != 0) return;
  point("flux");
  write_out(l->fd);
  int error = collapse(l->writer, cut);
  point("collapsed");
  if (error == 0) next.base += cut;
  else if (unsupported(error)) l->way = PUNCH;
  next.flux = 0;
  if (save(l, next) != 0) give_up(l); /* the next look finds the truth */
}

static bool clear_log(struct log *l, long long size) {
  struct place next = l->at;
  struct tally t[2];
  drop_temp(l);
  bool emptied = l->way == FREEZE;
  if (emptied) {
    freeze_and_empty(l, true);
    if (l->again > now_ms(CLOCK_MONOTONIC)) return false;
  } else {
    next.head = l->at.base + size;
    if (save(l, next) != 0) { give_up(l); return false; }
    l->stage = PUNCHING;
    l->done = 0;
  }
  while (count(t) && t[l - logs].files > 0) remove_segment(l, t[l - logs].oldest);
  l->clear = false;
  return !emptied;
}

/*
 * Who has opened the log anew without O_APPEND (`tee /dev/stderr`) writes at an offset of its own, which a collapse leaves far behind the end. Nobody has
 * written what is between: it is neither copied nor kept. Only after a collapse: elsewhere the file system's word on holes is not needed, and not always good.
 */
static bool skip_hole(struct log *l, long long size) {
  struct place next = l->at;
  long long first = l->way == COLLAPSE ? lseek(l->fd, head_in(l), SEEK_DATA) : -1;
  if (first < 0 || first > size || floored(l, first) <= head_in(l)) return false;
  next.head = l->at.base + floored(l, first);
  if (save(l, next) != 0) { give_up(l); return true; }
  l->stage = PUNCHING;
  l->done = 0;
  return true;
}

static long long before_hole(const struct log *l, long long cut) {
  long long hole = l->way == COLLAPSE ? lseek(l->fd, head_in(l), SEEK_HOLE) : -1;
  return hole > head_in(l) && hole < cut && hole % l->block == 0 ? hole : cut;
}

/* one slice of work on this log, if there is any; false: none now */
static bool advance(struct log *l) {
  struct stat st;
  if (l->fd < 0 || l->again > now_ms(CLOCK_MONOTONIC) || fstat(l->fd, &st) < 0) return false;
  long long size = st.st_size, head = head_in(l);
  if (l->memory) { /* what is before the last `keep` bytes is let go of */
    if (size - l->done <= l->max) return false;
    if (punch(l->fd, l->done, floored(l, size - l->keep)) == 0) l->done = floored(l, size - l->keep);
    return false;
  }
  bool wanted = l->manual || l->clear || size - head > l->max || size < head;
  if (l->stage == IDLE && !wanted && l->place_fd < 0) {
    if (l->reserved || size - head <= l->max / 4) return false;
    l->reserved = true; /* where it stands is written down while there is room on the disk */
    if (take(l)) let_go(l);
    return false;
  }
  if (!take(l)) return false;
  if (size < head_in(l)) { /* emptied by its own program, or by us */
    struct place next = l->at;
    drop_temp(l);
    l->stage = IDLE;
    next.base = next.head;
    if (save(l, next) != 0) { give_up(l); return false; }
  }
  if (l->clear) return clear_log(l, size);
  if (l->manual && l->upto == 0) l->upto = l->at.base + (l->way == FREEZE ? size : floored(l, size - 1));
  switch (l->stage) {
    case IDLE:
      if (skip_hole(l, size)) return l->place_fd >= 0;
      l->cut = before_hole(l, next_cut(l, size));
      if (l->cut > head_in(l)) return begin_copy(l, size);
      if (l->way == FREEZE || floored(l, head_in(l)) == 0) { answer(l); let_go(l); return false; }
      l->stage = PUNCHING; /* a head that is still there, from before a crash */
      l->done = 0;
      return true;
    case COPYING: return copy(l, size);
    case PUNCHING: return punch_some(l, size);
    case COLLAPSING:
      close_up(l, size);
      answer(l);
      let_go(l);
      return fstat(l->fd, &st) == 0 && st.st_size - head_in(l) > l->max;
    default: return false;
  }
}
