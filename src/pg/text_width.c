/*
 * What the planner knows of the length of a text; see text_width.h.
 *
 * A column's average width stands in its statistics, as stored: a value in a
 * TOAST table counts with the 18 bytes of its pointer, a compressed one with
 * what compression left.  Taken at face value, the longest texts would look
 * like the shortest.  But ANALYZE keeps values of more than 1 kB out of the
 * most common values and of the histogram, so a column with a width and none
 * of these had long texts only, and counts as LONG_TEXT.  Columns with long
 * and short texts are underestimated: how many of each is not recorded.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pg/text_width.h"

/*
 * Bytes of a text that is known to be long: values leave their row when it has
 * more than 2 kB after compression, which about halves prose.
 */
#define LONG_TEXT 4096

typedef struct WidthWalk
{
	PlannerInfo *root;
	ElectraTextWidth width;
} WidthWalk;

/* True where ANALYZE has seen no value that it keeps. */
static bool
only_long_values(Form_pg_statistic statistics)
{
	return statistics->stakind1 == 0 && statistics->stakind2 == 0 &&
		statistics->stakind3 == 0 && statistics->stakind4 == 0 && statistics->stakind5 == 0;
}

/* Average width of a table's column; 0 where it has never been analyzed. */
static double
analyzed_width(Oid relid, AttrNumber attno, bool with_children)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
										Int16GetDatum(attno), BoolGetDatum(with_children));
	double		width;

	if (!HeapTupleIsValid(tuple))
		return 0;

	width = ((Form_pg_statistic) GETSTRUCT(tuple))->stawidth;
	if (width > 0 && only_long_values((Form_pg_statistic) GETSTRUCT(tuple)))
		width = Max(width, LONG_TEXT);
	ReleaseSysCache(tuple);
	return width;
}

/*
 * Average width of a column of the query; 0 where it is not known.  What has
 * no statistics of its own (subqueries, parents of partitions) may have got a
 * width from those below it; the type's usual width there means that nothing
 * is known.
 */
static double
column_width(PlannerInfo *root, const Var *var)
{
	RangeTblEntry *entry;
	RelOptInfo *relation;
	double		width = 0;

	if (root == NULL || root->simple_rte_array == NULL || var->varlevelsup > 0 ||
		(int) var->varno <= 0 || (int) var->varno >= root->simple_rel_array_size)
		return 0;

	entry = root->simple_rte_array[var->varno];
	if (entry != NULL && entry->rtekind == RTE_RELATION)
		width = analyzed_width(entry->relid, var->varattno, entry->inh);

	relation = root->simple_rel_array[var->varno];
	if (width == 0 && relation != NULL && relation->attr_widths != NULL &&
		var->varattno >= relation->min_attr && var->varattno <= relation->max_attr)
	{
		width = relation->attr_widths[var->varattno - relation->min_attr];
		if (width <= 0 || width == get_typavgwidth(var->vartype, var->vartypmod))
			width = 0;
	}
	return width;
}

/* Bytes of a constant's text, or of all texts of its array. */
static double
constant_width(const Const *constant)
{
	double		size;

	if (constant->constisnull ||
		(constant->consttype != TEXTOID && constant->consttype != TEXTARRAYOID))
		return 0;

	size = (double) toast_raw_datum_size(constant->constvalue) - VARHDRSZ;
	if (constant->consttype == TEXTARRAYOID)
	{
		ArrayType  *array = DatumGetArrayTypeP(constant->constvalue);
		double		num_elements = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

		size = (double) ARR_SIZE(array) - ARR_DATA_OFFSET(array) - num_elements * VARHDRSZ;
	}
	return Max(size, 0);
}

static bool
width_walker(Node *node, void *context)
{
	WidthWalk  *walk = context;

	if (node == NULL)
		return false;

	switch (nodeTag(node))
	{
		case T_Const:
			walk->width.bytes += constant_width((Const *) node);
			return false;

		case T_Var:
			{
				double		width = 0;

				walk->width.varies = true;
				if (((Var *) node)->varattno > 0)
					width = column_width(walk->root, (Var *) node);
				if (width == 0)
					walk->width.known = false;
				walk->width.bytes += width;
				return false;
			}

			/* one value for a query comes from outside only */
		case T_Param:
			walk->width.known = false;
			if (((Param *) node)->paramkind != PARAM_EXTERN)
				walk->width.varies = true;
			return false;

		case T_FuncExpr:
		case T_OpExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_CollateExpr:
		case T_CoerceToDomain:
		case T_CoalesceExpr:
		case T_ArrayExpr:
		case T_PlaceHolderVar:
		case T_List:
			return expression_tree_walker(node, width_walker, context);

			/* aggregates, subqueries and whatever else nobody can tell */
		default:
			walk->width.known = false;
			walk->width.varies = true;
			return false;
	}
}

ElectraTextWidth
electra_text_width(PlannerInfo *root, Node *node)
{
	WidthWalk	walk = {root, {true, false, 0}};

	width_walker(node, &walk);
	if (!walk.width.varies)
		walk.width.varies = contain_volatile_functions(node);
	if (!walk.width.known)
		walk.width.bytes = 0;
	return walk.width;
}
