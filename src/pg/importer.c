/*
 * Running electra-import outside the backend: a crash in a JSON parser or in a
 * checkpoint from the internet ends a child, not the server.
 *
 * The child is in the backend's process group (the postmaster's signals reach
 * it), dies with the backend, has no file of the server open, and none of its
 * signal handlers.  It runs as the server's user: this isolates crashes, not
 * attacks.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "port.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/wait_event.h"

#include "core/frame.h"
#include "core/status.h"
#include "pg/importer.h"
#include "pg/report.h"

#define PROGRAM "electra-import"

/* Exit status of a child that could not become the program. */
#define EXIT_NOT_EXECUTED 127

/* How much of the child's standard error an error message shows. */
#define STDERR_SHOWN 400

typedef struct Importer
{
	pid_t		pid;			/* 0: none, or waited for */
	int			input;			/* what it reads; -1: closed */
	int			output;			/* frames; -1: closed */
	int			errors;			/* its standard error; -1: closed */
	int			status;			/* of waitpid, when pid is 0 */
	bool		at_end;			/* end of file on output */
	char	   *buffer;			/* bytes read, not yet handed over */
	Size		begin;			/* of them */
	Size		end;
} Importer;

#define BUFFER_SIZE (ELECTRA_FRAME_HEADER_SIZE + ELECTRA_FRAME_MAX_PAYLOAD)

/* The program's path: beside the server's own. */
static void
find_program(char path[MAXPGPATH])
{
	char		directory[MAXPGPATH];

	strlcpy(directory, my_exec_path, sizeof(directory));
	get_parent_directory(directory);
	snprintf(path, MAXPGPATH, "%s/%s", directory, PROGRAM);
	if (access(path, X_OK) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not find program \"%s\": %m", path),
				 errhint("Install electra completely: \"make install\" puts it beside the server's programs.")));
}

/* In the child: everything from standard error on is the server's. */
static void
close_server_files(void)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0)
		return;
#endif
	for (int fd = 3; fd < 65536; fd++)
		close(fd);
}

/*
 * The child between fork and exec: async-signal-safe functions only, all
 * signals blocked until their handlers are the default ones.
 */
static void
become_program(const char *path, char **argv, pid_t parent, int input, int output, int errors)
{
	char	   *environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
	sigset_t	none;

	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_NOT_EXECUTED);
	(void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		(void) signal(signal_number, SIG_DFL);
	if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
		dup2(errors, STDERR_FILENO) < 0)
		_exit(EXIT_NOT_EXECUTED);
	close_server_files();
	sigemptyset(&none);
	(void) sigprocmask(SIG_SETMASK, &none, NULL);
	(void) execve(path, argv, environment);
	_exit(EXIT_NOT_EXECUTED);
}

/* Ends the child, whatever it is doing, and forgets it. */
static void
stop(Importer *importer)
{
	if (importer->pid > 0)
	{
		(void) kill(importer->pid, SIGKILL);
		while (waitpid(importer->pid, &importer->status, 0) < 0 && errno == EINTR)
			;
		importer->pid = 0;
	}
	if (importer->input >= 0)
		close(importer->input);
	if (importer->output >= 0)
		close(importer->output);
	if (importer->errors >= 0)
		close(importer->errors);
	importer->input = importer->output = importer->errors = -1;
}

/* For PG_ENSURE_ERROR_CLEANUP: also runs when the backend exits. */
static void
stop_callback(int code, Datum argument)
{
	stop((Importer *) DatumGetPointer(argument));
}

/* Raises the error of a system call that starting the child needs. */
static void
start_failed(Importer *importer, const char *what)
{
	int			saved_errno = errno;

	stop(importer);
	errno = saved_errno;
	ereport(ERROR,
			(errcode(ERRCODE_SYSTEM_ERROR),
			 errmsg("could not start \"%s\": %s: %m", PROGRAM, what)));
}

/*
 * The child's standard input: a file without a name that holds everything
 * before the child begins.  A pipe would have to be fed while the output is
 * read, or both sides wait for each other.
 */
static void
open_input(Importer *importer, const char *input, Size size)
{
	Size		written = 0;

	if (input == NULL)
		importer->input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	else
		importer->input = memfd_create(PROGRAM, MFD_CLOEXEC);
	if (importer->input < 0)
		start_failed(importer, "input");
	if (input == NULL)
		return;
	while (written < size)
	{
		ssize_t		part;

		CHECK_FOR_INTERRUPTS();
		part = write(importer->input, input + written, size - written);
		if (part < 0 && errno != EINTR)
			start_failed(importer, "input");
		written += Max(part, 0);
	}
	if (lseek(importer->input, 0, SEEK_SET) != 0)
		start_failed(importer, "input");
}

/* Starts the program with its output in pipes that do not block us. */
static void
start(Importer *importer, char **argv, const void *input, Size input_size)
{
	char		path[MAXPGPATH];
	int			output[2];
	int			errors[2];
	pid_t		parent = getpid();
	sigset_t	saved;

	find_program(path);
	argv[0] = pstrdup(PROGRAM);
	open_input(importer, input, input_size);
	if (pipe2(output, O_CLOEXEC) < 0)
		start_failed(importer, "pipe");
	importer->output = output[0];

	/* its own end does not block either: a flood of messages must not stop it */
	if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0)
	{
		close(output[1]);
		start_failed(importer, "pipe");
	}
	importer->errors = errors[0];
	if (fcntl(output[0], F_SETFL, O_NONBLOCK) < 0)
	{
		close(output[1]);
		close(errors[1]);
		start_failed(importer, "fcntl");
	}
	(void) fcntl(output[0], F_SETPIPE_SZ, ELECTRA_FRAME_MAX_PAYLOAD);	/* only faster */

	/* no handler of the server may run in the child */
	sigprocmask(SIG_SETMASK, &BlockSig, &saved);
	importer->pid = fork();
	if (importer->pid == 0)
		become_program(path, argv, parent, importer->input, output[1], errors[1]);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	close(importer->input);
	importer->input = -1;
	close(output[1]);
	close(errors[1]);
	if (importer->pid < 0)
	{
		importer->pid = 0;
		start_failed(importer, "fork");
	}
}

/* Waits until the child has written something, or for the latch, and serves interrupts. */
static void
wait_for_output(Importer *importer, long timeout_ms)
{
	int			events = WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH;

	if (importer->output >= 0)
		events |= WL_SOCKET_READABLE;
	(void) WaitLatchOrSocket(MyLatch, events,
							 importer->output >= 0 ? importer->output : PGINVALID_SOCKET,
							 timeout_ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Has at least size bytes in the buffer; false where the output ends before. */
static bool
fill(Importer *importer, Size size)
{
	if (importer->begin > 0)
	{
		memmove(importer->buffer, importer->buffer + importer->begin,
				importer->end - importer->begin);
		importer->end -= importer->begin;
		importer->begin = 0;
	}
	while (importer->end < size && !importer->at_end)
	{
		ssize_t		part;

		CHECK_FOR_INTERRUPTS();
		part = read(importer->output, importer->buffer + importer->end, BUFFER_SIZE - importer->end);
		if (part > 0)
			importer->end += part;
		else if (part == 0)
			importer->at_end = true;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			wait_for_output(importer, 1000);
		else if (errno != EINTR)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read from \"%s\": %m", PROGRAM)));
	}
	return importer->end >= size;
}

/* The beginning of what the child wrote to standard error, for a message. */
static char *
read_errors(Importer *importer)
{
	char	   *text = palloc0(STDERR_SHOWN + 1);
	Size		size = 0;

	while (size < STDERR_SHOWN)
	{
		ssize_t		part = read(importer->errors, text + size, STDERR_SHOWN - size);

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			break;
		size += part;
	}
	for (char *p = text; *p != '\0'; p++)
	{
		if ((unsigned char) *p < ' ')
			*p = ' ';
	}
	while (size > 0 && text[size - 1] == ' ')
		text[--size] = '\0';
	return electra_message_to_server(text);
}

/* Waits for the child's end, which follows that of its output. */
static void
wait_for_end(Importer *importer)
{
	while (importer->pid > 0)
	{
		pid_t		ended = waitpid(importer->pid, &importer->status, WNOHANG);

		if (ended == importer->pid || (ended < 0 && errno != EINTR))
			importer->pid = 0;
		else if (ended == 0)
		{
			/* its end of the pipe is closed, so that only time can tell */
			if (importer->output >= 0)
				close(importer->output);
			importer->output = -1;
			wait_for_output(importer, 5);
		}
	}
}

/* The output ended before a frame that says how it went. */
static void
ended_early(Importer *importer)
{
	char	   *errors;

	wait_for_end(importer);
	CHECK_FOR_INTERRUPTS();
	errors = read_errors(importer);
	if (WIFSIGNALED(importer->status))
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("program \"%s\" was ended by signal %d (%s)", PROGRAM,
						WTERMSIG(importer->status), pg_strsignal(WTERMSIG(importer->status))),
				 errors[0] != '\0' ? errdetail("It wrote: %s", errors) : 0,
				 errhint("The preset's files may be damaged, or memory may be short; \"%s DIR -o FILE\" does the same by hand.", PROGRAM)));
	ereport(ERROR,
			(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			 WEXITSTATUS(importer->status) == EXIT_NOT_EXECUTED ?
			 errmsg("program \"%s\" could not be executed", PROGRAM) :
			 errmsg("program \"%s\" ended with status %d before its work was done", PROGRAM,
					WEXITSTATUS(importer->status)),
			 errors[0] != '\0' ? errdetail("It wrote: %s", errors) : 0));
}

/* The child does not keep to core/frame.h. */
static void
protocol_violation(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("unexpected output of program \"%s\": %s", PROGRAM, what),
			 errhint("Install program and module from the same version of electra.")));
}

/* Little-endian numbers, unaligned. */
static uint32
get_u32(const char *data)
{
	uint32		value;

	memcpy(&value, data, sizeof(value));
	return value;
}

static uint64
get_u64(const char *data)
{
	uint64		value;

	memcpy(&value, data, sizeof(value));
	return value;
}

/* The next NUL-terminated string of a payload, cut to room. */
static void
next_string(const char **data, const char *end, char *destination, Size room)
{
	Size		size = strnlen(*data, end - *data);
	Size		copied = Min(size, room - 1);

	memcpy(destination, *data, copied);
	destination[copied] = '\0';
	*data += Min(size + 1, (Size) (end - *data));
}

/* Raises the error of an error frame. */
static void
raise_error_frame(const char *payload, Size size)
{
	electra_error error;
	const char *end = payload + size;
	uint32		status;

	if (size < sizeof(uint32))
		protocol_violation("an error without a status");
	status = get_u32(payload);
	if (status == ELECTRA_OK || status == ELECTRA_CANCELED || status > ELECTRA_LAST_STATUS)
		protocol_violation("an error with an unknown status");
	payload += sizeof(uint32);
	error.status = (electra_status) status;
	next_string(&payload, end, error.message, sizeof(error.message));
	next_string(&payload, end, error.detail, sizeof(error.detail));
	next_string(&payload, end, error.hint, sizeof(error.hint));
	electra_raise(error.status, &error);
}

/* Hands one frame over; true for the last one. */
static bool
handle_frame(char type, char *payload, Size size, const ElectraImportHandler *handler,
			 uint64 *archive_size)
{
	switch (type)
	{
		case ELECTRA_FRAME_DATA:
			handler->data(handler->context, payload, size);
			return false;
		case ELECTRA_FRAME_PROGRESS:
			if (size != 2 * sizeof(uint64))
				protocol_violation("a progress frame of the wrong size");
			handler->progress(handler->context, get_u64(payload), get_u64(payload + sizeof(uint64)));
			return false;
		case ELECTRA_FRAME_NOTICE:
			handler->notice(handler->context, pnstrdup(payload, size));
			return false;
		case ELECTRA_FRAME_ERROR:
			raise_error_frame(payload, size);
			return false;
		case ELECTRA_FRAME_OK:
			if (size != sizeof(uint64))
				protocol_violation("a final frame of the wrong size");
			*archive_size = get_u64(payload);
			return true;
		default:
			protocol_violation("a frame of unknown type");
	}
	return false;
}

/* Reads frames until the final one. */
static void
read_frames(Importer *importer, const ElectraImportHandler *handler, uint64 *archive_size)
{
	for (bool done = false; !done;)
	{
		char	   *header;
		Size		size;

		if (!fill(importer, ELECTRA_FRAME_HEADER_SIZE))
			ended_early(importer);
		size = get_u32(importer->buffer + 1);
		if (size > ELECTRA_FRAME_MAX_PAYLOAD)
			protocol_violation("a frame that is too long");
		if (!fill(importer, ELECTRA_FRAME_HEADER_SIZE + size))
			ended_early(importer);
		header = importer->buffer;
		importer->begin = ELECTRA_FRAME_HEADER_SIZE + size;
		done = handle_frame(header[0], header + ELECTRA_FRAME_HEADER_SIZE, size, handler,
							archive_size);
	}
}

void
electra_importer_run(char **argv, const void *input, Size input_size,
					 const ElectraImportHandler *handler, uint64 *size)
{
	Importer   *importer = palloc0(sizeof(Importer));

	importer->input = importer->output = importer->errors = -1;
	importer->buffer = palloc(BUFFER_SIZE);
	PG_ENSURE_ERROR_CLEANUP(stop_callback, PointerGetDatum(importer));
	{
		start(importer, argv, input, input_size);
		read_frames(importer, handler, size);
		wait_for_end(importer);
		if (!WIFEXITED(importer->status) || WEXITSTATUS(importer->status) != 0)
			ended_early(importer);
	}
	PG_END_ENSURE_ERROR_CLEANUP(stop_callback, PointerGetDatum(importer));
	stop(importer);
	pfree(importer->buffer);
	pfree(importer);
}
