/*
 * The zip container of a checkpoint: stored entries only, nothing is ever
 * unpacked.
 *
 * Source: PKWARE's APPNOTE 6.3.9 (4.3 to 4.5: the records, zip64); torch's
 * caffe2/serialize/inline_container.cc (what torch.save writes).
 */
#ifndef ELECTRA_TORCH_ZIP_H
#define ELECTRA_TORCH_ZIP_H

#include "import/source_directory.h"

typedef struct torch_zip_entry
{
	char	   *name;			/* UTF-8 without control characters, relative,
								 * without ".." */
	uint64_t	header;			/* of the local header, in the file */
	uint64_t	begin;			/* of the data, in the file */
	uint64_t	size;
	uint32_t	crc;
} torch_zip_entry;

typedef struct torch_zip
{
	const char *file;			/* inside the directory, for messages */
	int			num_entries;
	torch_zip_entry *entries;	/* ascending by name */
} torch_zip;

/*
 * Reads the directory of a zip file of this size and checks every entry:
 * stored, not encrypted, a harmless name that no other has, its local header
 * agreeing, inside the file, overlapping no other.  ELECTRA_INVALID_SOURCE,
 * ELECTRA_UNSUPPORTED, ELECTRA_OUT_OF_MEMORY, ELECTRA_IO_ERROR.  Close also
 * after a failure.
 */
extern electra_status torch_zip_open(int fd, const char *file, uint64_t size, torch_zip *zip,
									 electra_error *error);

/* The entry of this name, or NULL. */
extern const torch_zip_entry *torch_zip_find(const torch_zip *zip, const char *name);

/* Checks the CRC of an entry. */
extern electra_status torch_zip_check_crc(int fd, const torch_zip *zip, const torch_zip_entry *entry,
										  electra_error *error);

extern void torch_zip_close(torch_zip *zip);

#endif							/* ELECTRA_TORCH_ZIP_H */
