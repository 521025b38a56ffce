/*
 * What electra_load_preset's source may say, resolved to a directory.
 *
 * Nothing is downloaded here: the hubs' own programs do that, and the error
 * for what is not there prints their command line.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_authid.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "pg/builtin_presets.h"
#include "pg/preset_path.h"
#include "pg/preset_source.h"

#define HF_SCHEME "hf://"
#define KAGGLE_SCHEME "kaggle://"

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* Parts of the longest handle: owner, model, framework, variation, version. */
#define MAX_PARTS 5

typedef enum SourceKind
{
	SOURCE_DIRECTORY,
	SOURCE_BUILTIN,
	SOURCE_KAGGLE,
	SOURCE_HF,
	SOURCE_NAME
} SourceKind;

/* A source taken apart; strings are palloc'd or belong to the source. */
typedef struct Source
{
	SourceKind	kind;
	const char *text;
	char	   *directory;		/* of SOURCE_DIRECTORY */
	char	   *name;			/* the last part: what the preset is called */
	char	   *owner;			/* of SOURCE_HF */
	char	   *revision;		/* of SOURCE_HF; NULL: main */
	char	   *handle;			/* of SOURCE_KAGGLE: four parts */
	char	   *version;		/* of SOURCE_KAGGLE; NULL: the highest */
} Source;

/* Why a source cannot be resolved, to be raised or not. */
typedef struct Problem
{
	int			code;			/* SQLSTATE */
	const char *message;
	const char *detail;			/* NULL: none */
	const char *hint;			/* NULL: none */
} Problem;

static const char *const forms_hint =
"Give a built-in identifier (see electra_builtin_presets()), \"hf://owner/name\", \"kaggle://owner/model/framework/variation\", a name in electra.preset_path, or the absolute path of a directory on the server.";

/* Fills in a problem; always false. */
static bool
fail(Problem *problem, int code, const char *message, const char *detail, const char *hint)
{
	problem->code = code;
	problem->message = message;
	problem->detail = detail;
	problem->hint = hint;
	return false;
}

/* Can this be part of a handle: no way out of a directory, no option of a program? */
static bool
part_valid(const char *part)
{
	return *part != '\0' && *part != '.' && *part != '-' && strstr(part, "..") == NULL &&
		strspn(part, NAME_CHARACTERS) == strlen(part);
}

/*
 * Splits at slashes into at most MAX_PARTS valid parts; their number, or 0 if
 * there is an invalid one or there are more.
 */
static int
split(const char *text, char *parts[MAX_PARTS])
{
	int			count = 0;
	char	   *rest = pstrdup(text);

	while (rest != NULL)
	{
		char	   *slash = strchr(rest, '/');

		if (slash != NULL)
			*slash = '\0';
		if (count == MAX_PARTS || !part_valid(rest))
			return 0;
		parts[count++] = rest;
		rest = slash == NULL ? NULL : slash + 1;
	}
	return count;
}

static bool
invalid_handle(const Source *source, const char *form, Problem *problem)
{
	return fail(problem, ERRCODE_INVALID_PARAMETER_VALUE,
				psprintf("invalid preset source \"%s\"", source->text),
				psprintf("Expected %s; the parts have letters, digits, dots, underscores and hyphens and begin with no dot or hyphen.", form),
				NULL);
}

/* kaggle://owner/model/framework/variation[/version] */
static bool
parse_kaggle(Source *source, const char *rest, Problem *problem)
{
	char	   *parts[MAX_PARTS];
	int			count = split(rest, parts);

	if (count < 4 || (count == 5 && strspn(parts[4], "0123456789") != strlen(parts[4])))
		return invalid_handle(source, "\"kaggle://owner/model/framework/variation\" or the same with \"/version\" behind it, a number",
							  problem);
	source->kind = SOURCE_KAGGLE;
	source->handle = psprintf("%s/%s/%s/%s", parts[0], parts[1], parts[2], parts[3]);
	source->name = parts[3];
	source->version = count == 5 ? parts[4] : NULL;
	return true;
}

/* [hf://]owner/name[@revision], where a revision may have slashes (refs/pr/1) */
static bool
parse_hf(Source *source, const char *rest, Problem *problem)
{
	char	   *repository = pstrdup(rest);
	char	   *revision = strchr(repository, '@');
	char	   *parts[MAX_PARTS];

	if (revision != NULL)
		*revision++ = '\0';
	if (split(repository, parts) != 2 ||
		(revision != NULL && split(revision, (char *[MAX_PARTS]) {NULL}) == 0))
		return invalid_handle(source, "\"hf://owner/name\" or the same with \"@revision\" behind it",
							  problem);
	source->kind = SOURCE_HF;
	source->owner = parts[0];
	source->name = parts[1];
	source->revision = revision;
	return true;
}

/* An absolute directory; its last part, whatever it is, is the preset's name. */
static bool
parse_directory(Source *source, Problem *problem)
{
	if (strlen(source->text) >= MAXPGPATH)
		return fail(problem, ERRCODE_NAME_TOO_LONG, "path of the preset's directory is too long",
					psprintf("It has %zu bytes, at most %d are possible.", strlen(source->text), MAXPGPATH - 1),
					NULL);
	source->kind = SOURCE_DIRECTORY;
	source->directory = pstrdup(source->text);
	canonicalize_path(source->directory);
	source->name = last_dir_separator(source->directory) + 1;
	return true;
}

/* What stands without a scheme: an identifier, a name, owner/name. */
static bool
parse_plain(Source *source, Problem *problem)
{
	const char *slash = strchr(source->text, '/');

	if (slash != NULL && part_valid(pnstrdup(source->text, slash - source->text)) &&
		strchr(slash + 1, '/') == NULL)
		return parse_hf(source, source->text, problem);
	if (part_valid(source->text))
	{
		source->kind = electra_builtin_find(source->text) != NULL ? SOURCE_BUILTIN : SOURCE_NAME;
		source->name = pstrdup(source->text);
		return true;
	}
	if (strchr("./~", source->text[0]) != NULL || slash != NULL)
		return fail(problem, ERRCODE_INVALID_PARAMETER_VALUE,
					psprintf("preset source \"%s\" is a relative path", source->text),
					"The server's working directory is not yours.",
					"Give the absolute path of the directory on the server, or a name in electra.preset_path.");
	return fail(problem, ERRCODE_INVALID_PARAMETER_VALUE,
				psprintf("invalid preset source \"%s\"", source->text), NULL, forms_hint);
}

/* Takes a source apart; false with a problem if it is none. */
static bool
parse(const char *text, Source *source, Problem *problem)
{
	memset(source, 0, sizeof(*source));
	source->text = text;
	if (*text == '\0')
		return fail(problem, ERRCODE_INVALID_PARAMETER_VALUE, "preset source is empty", NULL, forms_hint);
	if (is_absolute_path(text))
		return parse_directory(source, problem);
	if (strlen(text) >= MAXPGPATH / 2)
		return fail(problem, ERRCODE_NAME_TOO_LONG, "preset source is too long",
					psprintf("It has %zu bytes, handles and names at most %d.", strlen(text),
							 MAXPGPATH / 2 - 1),
					forms_hint);
	if (strncmp(text, KAGGLE_SCHEME, strlen(KAGGLE_SCHEME)) == 0)
		return parse_kaggle(source, text + strlen(KAGGLE_SCHEME), problem);
	if (strncmp(text, HF_SCHEME, strlen(HF_SCHEME)) == 0)
		return parse_hf(source, text + strlen(HF_SCHEME), problem);
	if (strstr(text, "://") != NULL)
		return fail(problem, ERRCODE_FEATURE_NOT_SUPPORTED,
					psprintf("preset source \"%s\" is not supported", text),
					"electra downloads nothing; of the hubs' handles it knows \"hf://\" and \"kaggle://\".",
					forms_hint);
	return parse_plain(source, problem);
}

/* Places of a kagglehub cache that is the entry, or its folder of that name. */
static List *
add_kaggle_places(List *places, const char *entry, const char *handle, const char *version)
{
	places = lappend(places, electra_preset_path_kaggle(entry, handle, version));
	return lappend(places, electra_preset_path_kaggle(psprintf("%s/kagglehub", entry), handle, version));
}

/* Places of a Hugging Face cache that is the entry, or its folder "hub". */
static List *
add_hf_places(List *places, const char *entry, const char *owner, const char *name,
			  const char *revision)
{
	places = lappend(places, electra_preset_path_hf(entry, owner, name, revision));
	return lappend(places, electra_preset_path_hf(psprintf("%s/hub", entry), owner, name, revision));
}

/* The places below one entry of the path where a source may lie, in order. */
static List *
places_below(const char *entry, const Source *source)
{
	List	   *places = NIL;

	switch (source->kind)
	{
		case SOURCE_NAME:
			return list_make1(psprintf("%s/%s", entry, source->name));
		case SOURCE_BUILTIN:
			places = list_make1(psprintf("%s/%s", entry, source->name));
			places = add_kaggle_places(places, entry,
									   psprintf(ELECTRA_BUILTIN_KAGGLE "%s", source->name), NULL);
			return add_hf_places(places, entry, ELECTRA_BUILTIN_HF_OWNER, source->name, NULL);
		case SOURCE_KAGGLE:
			return add_kaggle_places(NIL, entry, source->handle, source->version);
		case SOURCE_HF:
			/* nobody knows a plain folder's revision */
			if (source->revision == NULL)
				places = list_make1(psprintf("%s/%s/%s", entry, source->owner, source->name));
			return add_hf_places(places, entry, source->owner, source->name, source->revision);
		case SOURCE_DIRECTORY:
			break;
	}
	return NIL;
}

/* The first directory of electra.preset_path, or a word for it. */
static const char *
download_directory(List *entries)
{
	const char *entry;
	StringInfoData quoted;

	if (entries == NIL || !electra_preset_path_visible())
		return "DIRECTORY";
	entry = linitial(entries);
	if (strspn(entry, NAME_CHARACTERS "/") == strlen(entry))
		return entry;
	initStringInfo(&quoted);
	appendStringInfoChar(&quoted, '\'');
	for (const char *p = entry; *p != '\0'; p++)
		appendStringInfoString(&quoted, *p == '\'' ? "'\\''" : (char[]) {*p, '\0'});
	appendStringInfoChar(&quoted, '\'');
	return quoted.data;
}

/* Appends the line for a shell that downloads from the Hugging Face hub. */
static void
append_hf_command(StringInfo hint, const char *directory, const char *owner, const char *name,
				  const char *folder)
{
	appendStringInfo(hint, "\n    hf download %s/%s --local-dir %s/%s", owner, name, directory, folder);
}

/* Appends the line for a shell that downloads from Kaggle, into kagglehub's layout. */
static void
append_kaggle_command(StringInfo hint, const char *directory, const char *handle)
{
	appendStringInfo(hint, "\n    KAGGLEHUB_CACHE=%s python3 -c \"import kagglehub; kagglehub.model_download('%s')\"",
					 directory, handle);
}

/* The built-in identifier that a source means but misspells, or NULL. */
static const ElectraBuiltinPreset *
misspelt_builtin(const Source *source)
{
	const char *last = source->handle == NULL ? NULL : strrchr(source->handle, '/') + 1;

	if (electra_builtin_find(source->name) != NULL)
		return NULL;
	if (source->kind == SOURCE_NAME ||
		(source->kind == SOURCE_HF && strcmp(source->owner, ELECTRA_BUILTIN_HF_OWNER) == 0) ||
		(source->kind == SOURCE_KAGGLE &&
		 strncmp(source->handle, ELECTRA_BUILTIN_KAGGLE, last - source->handle) == 0))
		return electra_builtin_nearest(source->name);
	return NULL;
}

/* How to get what was not found: lines to paste. */
static const char *
download_hint(const Source *source, List *entries)
{
	const ElectraBuiltinPreset *meant = misspelt_builtin(source);
	const char *directory = download_directory(entries);
	StringInfoData hint;

	if (meant != NULL)
		return psprintf("Perhaps you meant \"%s\".", meant->name);
	initStringInfo(&hint);
	if (entries == NIL)
		appendStringInfoString(&hint, "Set electra.preset_path to a directory, and download the preset into it:");
	else if (!electra_preset_path_visible())
		appendStringInfoString(&hint, "Ask a superuser to download it into a directory of electra.preset_path:");
	else
		appendStringInfoString(&hint, "Download it, as a user who may write there:");
	switch (source->kind)
	{
		case SOURCE_BUILTIN:
			append_hf_command(&hint, directory, ELECTRA_BUILTIN_HF_OWNER, source->name, source->name);
			appendStringInfoString(&hint, "\nor");
			append_kaggle_command(&hint, directory,
								  psprintf(ELECTRA_BUILTIN_KAGGLE "%s", source->name));
			break;
		case SOURCE_KAGGLE:
			append_kaggle_command(&hint, directory, source->version == NULL ? source->handle :
								  psprintf("%s/%s", source->handle, source->version));
			break;
		case SOURCE_HF:
			if (source->revision == NULL)
				append_hf_command(&hint, directory, source->owner, source->name,
								  psprintf("%s/%s", source->owner, source->name));
			else
				appendStringInfo(&hint, "\n    hf download %s/%s --revision %s --cache-dir %s",
								 source->owner, source->name, source->revision, directory);
			break;
		case SOURCE_NAME:
			append_hf_command(&hint, directory, "OWNER", source->name, source->name);
			break;
		case SOURCE_DIRECTORY:
			break;
	}
	appendStringInfo(&hint, "\nand then\n    SELECT electra_load_preset('%s');", source->text);
	return hint.data;
}

/* What was looked at, for those who may know. */
static const char *
places_detail(List *places, List *entries)
{
	StringInfoData detail;
	ListCell   *cell;

	if (entries == NIL)
		return "electra.preset_path names no directory.";
	if (!electra_preset_path_visible())
		return "It is in none of the directories of electra.preset_path.";
	initStringInfo(&detail);
	appendStringInfoString(&detail, "These places were looked at:");
	foreach(cell, places)
		appendStringInfo(&detail, "\n    %s", (const char *) lfirst(cell));
	return detail.data;
}

/* Why a place cannot be used that is there; path is shown to those who may know. */
static bool
fail_place(const Source *source, ElectraPlaceState state, const char *path, Problem *problem)
{
	bool		visible = electra_preset_path_visible();

	if (state == ELECTRA_PLACE_UNREADABLE)
		return fail(problem, ERRCODE_INSUFFICIENT_PRIVILEGE,
					psprintf("preset source \"%s\" cannot be read", source->text),
					visible ? psprintf("The operating system user that runs the server may not read \"%s\".", path) :
					"The operating system user that runs the server may not read its directory.",
					"Give that user the right to read the directory and all in it, for example with \"chmod -R a+rX\".");
	return fail(problem, ERRCODE_INSUFFICIENT_PRIVILEGE,
				psprintf("preset source \"%s\" leads out of electra.preset_path", source->text),
				visible ? psprintf("\"%s\" is, or lies behind, a symbolic link to somewhere else.", path) :
				"A symbolic link in it leads to somewhere else.",
				"Copy the directory with its links resolved, for example with \"cp -rL\".");
}

/* Searches electra.preset_path; NULL with a problem if the source is not there. */
static char *
search(const Source *source, Problem *problem)
{
	List	   *entries = electra_preset_path_entries();
	List	   *looked_at = NIL;
	char	   *unreadable = NULL;
	ListCell   *entry_cell;

	foreach(entry_cell, entries)
	{
		const char *entry = lfirst(entry_cell);
		List	   *places = places_below(entry, source);
		ListCell   *place_cell;

		foreach(place_cell, places)
		{
			char	   *resolved;

			switch (electra_preset_path_look(entry, lfirst(place_cell), &resolved))
			{
				case ELECTRA_PLACE_FOUND:
					return resolved;
				case ELECTRA_PLACE_OUTSIDE:
					fail_place(source, ELECTRA_PLACE_OUTSIDE, resolved, problem);
					return NULL;
				case ELECTRA_PLACE_UNREADABLE:
					unreadable = unreadable == NULL ? resolved : unreadable;
					break;
				case ELECTRA_PLACE_MISSING:
					break;
			}
		}
		looked_at = list_concat(looked_at, places);
	}
	if (unreadable != NULL)
		fail_place(source, ELECTRA_PLACE_UNREADABLE, unreadable, problem);
	else
		fail(problem, ERRCODE_UNDEFINED_FILE,
			 psprintf("preset source \"%s\" was not found on this server", source->text),
			 places_detail(looked_at, entries), download_hint(source, entries));
	return NULL;
}

/* Is the directory there, and may the server read it? */
static bool
check_directory(const Source *source, Problem *problem)
{
	struct stat status;
	int			number = 0;
	int			fd = open(source->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	else
		number = errno;
	if (fd >= 0 && access(source->directory, X_OK) != 0)
		number = errno;
	switch (number)
	{
		case 0:
			return true;
		case ENOENT:
		case ENOTDIR:
			if (number == ENOTDIR && stat(source->directory, &status) == 0)
				return fail(problem, ERRCODE_WRONG_OBJECT_TYPE,
							psprintf("\"%s\" is not a directory", source->directory), NULL,
							"Name the directory that holds config.json, not a file in it.");
			return fail(problem, ERRCODE_UNDEFINED_FILE,
						psprintf("directory \"%s\" does not exist", source->directory), NULL,
						"The directory must be on the server; without access to its files, \"electra-import DIR --sql | psql\" loads one from anywhere.");
		case EACCES:
		case EPERM:
			return fail(problem, ERRCODE_INSUFFICIENT_PRIVILEGE,
						psprintf("directory \"%s\" cannot be read: %s", source->directory, strerror(number)), NULL,
						"Give the operating system user that runs the server the right to read it and the folders above it.");
		default:
			return fail(problem, ERRCODE_IO_ERROR,
						psprintf("could not open directory \"%s\": %s", source->directory, strerror(number)),
						NULL, NULL);
	}
}

/* Only whoever may read the server's files may have a directory read. */
static bool
check_directory_privilege(Problem *problem)
{
	if (has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		return true;
	return fail(problem, ERRCODE_INSUFFICIENT_PRIVILEGE,
				"permission denied to load a preset from a directory",
				"Only roles with privileges of the \"pg_read_server_files\" role may load a preset from a directory of the server.",
				"Anyone else may load what lies in electra.preset_path, by its name.");
}

/* The directory of a source; NULL with a problem. */
static char *
resolve(const char *text, Source *source, Problem *problem)
{
	if (!parse(text, source, problem))
		return NULL;
	if (source->kind != SOURCE_DIRECTORY)
		return search(source, problem);
	if (!check_directory_privilege(problem) || !check_directory(source, problem))
		return NULL;
	return source->directory;
}

void
electra_preset_source_init(void)
{
	electra_preset_path_init();
}

char *
electra_preset_source_resolve(const char *text, char **name)
{
	Source		source;
	Problem		problem;
	char	   *directory = resolve(text, &source, &problem);

	if (directory == NULL)
		ereport(ERROR,
				(errcode(problem.code),
				 errmsg_internal("%s", problem.message),
				 problem.detail == NULL ? 0 : errdetail_internal("%s", problem.detail),
				 problem.hint == NULL ? 0 : errhint("%s", problem.hint)));
	*name = pstrdup(source.name);
	return directory;
}

bool
electra_preset_source_available(const char *text)
{
	Source		source;
	Problem		problem;

	return resolve(text, &source, &problem) != NULL;
}
