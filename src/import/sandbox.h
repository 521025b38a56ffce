/*
 * What a process that reads foreign files gives away before it begins.
 *
 * It bounds what a crash or a hostile file can do, and is no more than that:
 * the importer runs as the server's operating system user.
 */
#ifndef ELECTRA_SANDBOX_H
#define ELECTRA_SANDBOX_H

/*
 * Limits on memory, files and processes, no core dumps, no new privileges,
 * death with the parent.  First thing in main.
 */
extern void sandbox_limit(void);

/*
 * From now on files can be opened below this directory only (NULL: none at
 * all), or among the blobs of the cache in which it lies
 * (source_directory_blobs), for reading, and TCP connections not at all
 * (Landlock, as much of it as the kernel has; source_files_confine() does
 * without).
 */
extern void sandbox_restrict(const char *directory);

#endif							/* ELECTRA_SANDBOX_H */
