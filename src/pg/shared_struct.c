/*
 * Small structs in shared memory; see shared_struct.h.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "pg/shared_struct.h"

/*
 * ShmemInitStruct raises an error when there is no room (other extensions live
 * on the same reserve); it has released its own lock by then, and nothing else
 * happened, so that the error can be dropped here.
 */
void *
electra_shared_struct(const char *name, Size size, void (*initialize) (void *shared))
{
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff_count = InterruptHoldoffCount;
	void	   *volatile result = NULL;

	PG_TRY();
	{
		bool		found;
		void	   *shared;

		LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
		shared = ShmemInitStruct(name, size, &found);
		if (!found)
		{
			memset(shared, 0, size);
			initialize(shared);
		}
		LWLockRelease(AddinShmemInitLock);
		result = shared;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();

		/* the error has zeroed the count that releasing a lock decrements */
		InterruptHoldoffCount = holdoff_count;
		if (LWLockHeldByMe(AddinShmemInitLock))
		{
			HOLD_INTERRUPTS();
			LWLockRelease(AddinShmemInitLock);
		}
	}
	PG_END_TRY();

	return result;
}
