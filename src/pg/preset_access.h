/*
 * Who may use a preset: everyone, unless electra_revoke_preset says otherwise.
 *
 * The right is asked whenever a function is given a preset, by name, by
 * name@digest or as the default, before anything is remembered or computed; it
 * is that of the role which runs the statement (the owner of a SECURITY
 * DEFINER function, or of a table whose index or generated column is computed
 * by maintenance); a view does not lend its owner's right.  A constant that was
 * folded into a plan stays there, as with EXECUTE on any immutable function.
 * Changing a preset's grants therefore drops the plans of all sessions; SET ROLE
 * and changed memberships do not.
 *
 * Rights belong to the name: two names of one digest have each their own.
 * They stand in the catalogue as role names, so that a dump restores them by
 * name into a cluster whose roles have other OIDs.  Therefore a role that is
 * renamed loses its entries, and a role that is dropped leaves them to a later
 * one of its name.
 */
#ifndef ELECTRA_PRESET_ACCESS_H
#define ELECTRA_PRESET_ACCESS_H

#include "postgres.h"

#include "pg/preset.h"

/* An ERROR unless the current user may use the preset. */
extern void electra_preset_access_check(const ElectraPresetId *id);

/* The same as an answer. */
extern bool electra_preset_access_allowed(const ElectraPresetId *id);

#endif							/* ELECTRA_PRESET_ACCESS_H */
