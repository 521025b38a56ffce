/*
 * The program electra-import as a child process of a backend.
 */
#ifndef ELECTRA_IMPORTER_H
#define ELECTRA_IMPORTER_H

#include "postgres.h"

/* What the caller does with the frames (core/frame.h); callbacks may raise errors. */
typedef struct ElectraImportHandler
{
	void		(*data) (void *context, const char *data, Size size);
	void		(*progress) (void *context, uint64 done, uint64 total);
	void		(*notice) (void *context, const char *message);	/* UTF-8 */
	void	   *context;
} ElectraImportHandler;

/*
 * Runs electra-import with these arguments (argv[0] is filled in here; the
 * last one NULL), input_size bytes of input (NULL: nothing) on its standard
 * input, and hands over what it writes.  Returns when it has ended well: size
 * is what it says of its archive.  Raises its error, or that it crashed;
 * whatever ends this function ends the child.
 */
extern void electra_importer_run(char **argv, const void *input, Size input_size,
								 const ElectraImportHandler *handler, uint64 *size);

#endif							/* ELECTRA_IMPORTER_H */
