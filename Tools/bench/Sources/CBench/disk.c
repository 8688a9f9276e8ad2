// What the disk and LMDB do when nobody thinks: flushes, and transactions of puts.
#include "CBench.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 4096, BLOCKS = 2048, LOGS = 1000 };

int bench_flush(const char *directory, double seconds, double *latencies, int capacity) {
    char path[4096];
    static uint8_t block[BLOCK];
    snprintf(path, sizeof path, "%s/flush", directory);
    int descriptor = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0) return -errno;
    // The file is written once before, as a database file is: flushes then move no metadata.
    int error = 0;
    for (int i = 0; i < BLOCKS && !error; i++)
        if (write(descriptor, block, BLOCK) != BLOCK) error = errno ? errno : EIO;
    fsync(descriptor);
    int count = 0;
    double start = bench_seconds(), now = start;
    while (!error && count < capacity && now - start < seconds) {
        if (pwrite(descriptor, block, BLOCK, (off_t)(count % BLOCKS) * BLOCK) != BLOCK ||
            fdatasync(descriptor) != 0)
            error = errno ? errno : EIO;
        double end = bench_seconds();
        latencies[count++] = (end - now) * 1e6;
        now = end;
    }
    close(descriptor);
    unlink(path);
    return error ? -error : count;
}

static void store_big_endian(uint8_t *bytes, uint64_t value) {
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (56 - 8 * i));
}

static int put_batch(MDB_env *environment, MDB_dbi table, int batch, int byte_count,
                     uint64_t *random, uint64_t *sequence) {
    uint8_t key[16], value[2048] = {0};
    MDB_txn *transaction;
    int error = mdb_txn_begin(environment, NULL, 0, &transaction);
    if (error) return error;
    for (int i = 0; i < batch; i++) {
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        store_big_endian(key, (*random >> 33) % LOGS);
        store_big_endian(key + 8, ++*sequence);
        MDB_val key_value = {sizeof key, key}, data_value = {(size_t)byte_count, value};
        error = mdb_put(transaction, table, &key_value, &data_value, 0);
        if (error) {
            mdb_txn_abort(transaction);
            return error;
        }
    }
    return mdb_txn_commit(transaction);
}

static int open_table(MDB_env *environment, const char *directory, MDB_dbi *table) {
    MDB_txn *transaction;
    int error = mdb_env_set_mapsize(environment, (size_t)1 << 30);
    if (!error) error = mdb_env_open(environment, directory, 0, 0600);
    if (!error) error = mdb_txn_begin(environment, NULL, 0, &transaction);
    if (error) return error;
    error = mdb_dbi_open(transaction, NULL, 0, table);
    if (error) {
        mdb_txn_abort(transaction);
        return error;
    }
    return mdb_txn_commit(transaction);
}

int bench_lmdb(const char *directory, int batch, int byte_count, double seconds, double *latencies,
               int capacity) {
    MDB_env *environment;
    MDB_dbi table;
    if (byte_count < 0 || byte_count > 2048) return -EINVAL;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) return -errno;
    int error = mdb_env_create(&environment);
    if (error) return -error;
    error = open_table(environment, directory, &table);
    uint64_t random = 1, sequence = 0;
    int count = 0;
    double start = bench_seconds(), now = start;
    while (!error && count < capacity && now - start < seconds) {
        error = put_batch(environment, table, batch, byte_count, &random, &sequence);
        double end = bench_seconds();
        latencies[count++] = (end - now) * 1e6;
        now = end;
    }
    mdb_env_close(environment);
    // LMDB's own error numbers are negative already.
    return error ? (error > 0 ? -error : error) : count;
}
