/*
 * The catalogue: tables preset, preset_chunk and default_preset in schema
 * _electra.
 *
 * Reads see what is committed now, and this transaction's own changes, never
 * the active snapshot's past: a REPEATABLE READ transaction would otherwise
 * fill a backend's cache with what was true before, for ever.
 */
#ifndef ELECTRA_CATALOG_H
#define ELECTRA_CATALOG_H

#include "postgres.h"

#include "access/genam.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

#include "pg/preset.h"

typedef enum ElectraTable
{
	ELECTRA_TABLE_PRESET = 0,
	ELECTRA_TABLE_CHUNK,
	ELECTRA_TABLE_DEFAULT
} ElectraTable;

#define ELECTRA_NUM_TABLES 3

/* Columns, in order; tables of an older SQL version may end earlier. */
#define Anum_electra_preset_name			1
#define Anum_electra_preset_digest			2
#define Anum_electra_preset_dropped			3
#define Anum_electra_preset_source			4
#define Anum_electra_preset_loaded_by		5
#define Anum_electra_preset_loaded_at		6
#define Anum_electra_preset_granted_to		7	/* since 0.2.0 */
#define Natts_electra_preset				7

#define Anum_electra_chunk_digest			1
#define Anum_electra_chunk_no				2
#define Anum_electra_chunk_data				3
#define Natts_electra_chunk					3

#define Anum_electra_default_only_row		1
#define Anum_electra_default_name			2
#define Natts_electra_default				2

/* Bytes of every chunk of an archive but the last. */
#define ELECTRA_CHUNK_SIZE (1024 * 1024)

/* A row of _electra.preset; strings are palloc'd. */
typedef struct ElectraPresetRow
{
	ElectraPresetId id;			/* shipped is false */
	bool		dropped;		/* a tombstone: the name stays bound */
	char	   *source;
	char	   *loaded_by;
	TimestampTz loaded_at;
	List	   *granted_to;		/* names of roles that may use it; "public"
								 * means everyone */
	ItemPointerData tid;
} ElectraPresetRow;

/* What stands for everyone in granted_to; no role can have this name. */
#define ELECTRA_PUBLIC "public"

/* Registers the relcache callback; called by _PG_init. */
extern void electra_catalog_init(void);

/*
 * Raised by every invalidation of a table of ours.  A value remembered before
 * a read and equal behind it says that what was read may be cached.
 */
extern uint64 electra_catalog_generation(void);

/*
 * Opens a table of ours; NULL where the extension's schema is not there.
 * electra_catalog_require is the same with an error instead.
 */
extern Relation electra_catalog_open(ElectraTable table, LOCKMODE lock);
extern Relation electra_catalog_require(ElectraTable table, LOCKMODE lock);

/* The index of the primary key, InvalidOid where there is none. */
extern Oid	electra_catalog_primary_key(Relation relation);

/* InvalidOid where the extension's schema is not there. */
extern Oid	electra_catalog_table_oid(ElectraTable table);

/* The row of a name, dropped or not. */
extern bool electra_catalog_find(const char *name, ElectraPresetRow *row);

/*
 * The row of a name for one who changes it: the name stays locked until the
 * end of the transaction.  An ERROR where it has no row; change ("dropped")
 * is what the message for a shipped preset says that cannot be done.
 */
extern void electra_catalog_lock_row(const char *name, const char *change, ElectraPresetRow *row);

/* All rows as a List of ElectraPresetRow *, ascending by name. */
extern List *electra_catalog_list(void);

/* The name in default_preset; false where there is no row. */
extern bool electra_catalog_default(char name[ELECTRA_MAX_PRESET_NAME + 1]);

/* Is there any chunk of this archive; bytes (may be NULL) receives their sum without reading them. */
extern bool electra_catalog_has_chunks(const uint8 *digest, int64 *bytes);

/*
 * Locks until the end of the transaction, so that two sessions do not load one
 * name, or write or remove one archive, at the same time.  Order: name first.
 */
extern void electra_catalog_lock_name(const char *name);
extern void electra_catalog_lock_digest(const uint8 *digest);

/*
 * Writes (catalog_write.c).  They go to the tables directly, not through SQL:
 * the caller of a granted function needs no rights on the tables, and a
 * transaction with an old snapshot changes what is there now.  Invalidations
 * are sent, the triggers of the tables do not fire.
 */
extern void electra_catalog_insert(const ElectraPresetRow *row);	/* for everyone */
extern void electra_catalog_update(const ElectraPresetRow *row);	/* at row->tid; grants stay */
extern void electra_catalog_set_grants(const ElectraPresetRow *row);	/* at row->tid */
extern void electra_catalog_delete(const ElectraPresetRow *row);
extern void electra_catalog_delete_chunks(const uint8 *digest);
extern void electra_catalog_set_default(const char *name);

/* Chunks of one archive in order: begin, put each, end. */
typedef struct ElectraChunkWriter ElectraChunkWriter;
extern ElectraChunkWriter *electra_chunk_writer_begin(const uint8 *digest);
extern void electra_chunk_writer_put(ElectraChunkWriter *writer, const void *data, Size size);
extern void electra_chunk_writer_end(ElectraChunkWriter *writer);

#endif							/* ELECTRA_CATALOG_H */
