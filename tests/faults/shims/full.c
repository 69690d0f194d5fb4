/* A disk with little room, one that fails to sync, one that is slow.  BLACKBOARD_SHIM_FULL names a file with numbers:
 *   room    bytes that still fit, below 0 without a limit.  A write takes what fits and tells so; the next one,
 *           with nothing left, is refused with ENOSPC.  What is cut off a file fits again.
 *   broken  while it is not 0, fsync and fdatasync fail with EIO.
 *   slow    milliseconds that fsync and fdatasync take longer.
 * Regular files count, whatever their name; what goes through stdio, such as the server's log, does not. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include "control.h"

struct disk {
    int64_t room;
    int64_t broken;
    int64_t slow;
};

static struct disk *disk;
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void start(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    disk = control_map("BLACKBOARD_SHIM_FULL", sizeof(struct disk));
    signal(SIGXFSZ, SIG_IGN); /* so that a limit on the size of files is an error of write, as a quota is */
}

static int limited(int fd, struct stat *file) {
    return disk != NULL && disk->room >= 0 && fstat(fd, file) == 0 && S_ISREG(file->st_mode);
}

ssize_t write(int fd, const void *data, size_t count) {
    struct stat file;
    if (count == 0 || !limited(fd, &file))
        return real_write(fd, data, count);
    int64_t room = disk->room;
    if (room == 0) {
        errno = ENOSPC;
        return -1;
    }
    ssize_t written = real_write(fd, data, (size_t)room < count ? (size_t)room : count);
    if (written > 0)
        disk->room -= written;
    return written;
}

int ftruncate(int fd, off_t length) {
    struct stat file;
    int counts = limited(fd, &file);
    int result = real_ftruncate(fd, length);
    if (result == 0 && counts)
        disk->room += file.st_size - length;
    return result;
}

int ftruncate64(int fd, off_t length) __attribute__((alias("ftruncate")));

static int synced(int (*sync)(int), int fd) {
    if (disk != NULL && disk->slow)
        usleep((useconds_t)(disk->slow * 1000));
    if (disk != NULL && disk->broken) {
        errno = EIO;
        return -1;
    }
    return sync(fd);
}

int fsync(int fd) { return synced(real_fsync, fd); }

int fdatasync(int fd) { return synced(real_fdatasync, fd); }
