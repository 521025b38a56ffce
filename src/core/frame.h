/*
 * How electra-import speaks to the server on its standard output: frames of
 * one type byte, a u32 little-endian payload size, and the payload.  A stream
 * ends with an error or with 'O'; an end of file before that is an error.
 */
#ifndef ELECTRA_FRAME_H
#define ELECTRA_FRAME_H

#define ELECTRA_FRAME_HEADER_SIZE 5
#define ELECTRA_FRAME_MAX_PAYLOAD (1024 * 1024)

#define ELECTRA_FRAME_DATA		'D' /* the next bytes of the archive */
#define ELECTRA_FRAME_PROGRESS	'P' /* two u64: bytes written, bytes in all */
#define ELECTRA_FRAME_NOTICE	'N' /* a message, UTF-8 */
#define ELECTRA_FRAME_ERROR		'E' /* u32 electra_status, then message, detail,
									 * hint, each NUL-terminated */
#define ELECTRA_FRAME_OK		'O' /* u64 archive size; the server hashes what
									 * came */

#endif							/* ELECTRA_FRAME_H */
