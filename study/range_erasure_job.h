// Carries out erasures of a range: destroys the keys that sealed what is marked (docs/adr/0016).
//
//   first:         what was being stored when the range was erased, and what has found its place in
//                  the range since, is marked as well (docs/adr/0020)
//   for each key:  segments sealed anew, some at a time ─► nothing is left under it ─► destroyed
//   then:          counted, recorded
//
// Every step can be repeated, and a worker that dies leaves the rest to the next one. A key is
// touched only when nobody can seal with it any more, which is after the UTC day of arrival that it
// belongs to, by the clocks of this server and of the database; until then the erasure waits, and
// what it covers is hidden.
#pragma once

#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "study/context.h"
#include "study/erasure_job.h"
#include "study/jobs.h"
#include "study/range_marks.h"

namespace tidemark::study {

// After the end of its day a key may still be in the hands of a commit that is being repeated, or
// of a server whose clock is behind.
inline constexpr absl::Duration kKeyInUseAfterDay = absl::Hours(1);

// Thread-safe.
class RangeErasureJob {
 public:
  RangeErasureJob(Context context, const ClockSources& clocks, ErasureJobOptions options)
      : context_(std::move(context)), clocks_(clocks), options_(std::move(options)) {}

  // As ErasureJob::RunOne.
  absl::StatusOr<bool> RunOne(absl::FunctionRef<bool()> stopping) const;

  // The steps after the lease. Nothing when all is done, else when to go on.
  //   DATA_LOSS  something that is to be kept cannot be read: its key stays until that is mended,
  //   or
  //              until all of the segment is to be erased; everything else was done
  //   ABORTED    the lease is another worker's
  absl::StatusOr<std::optional<absl::Time>> Erase(const Job& job,
                                                  absl::FunctionRef<bool()> stopping) const;

 private:
  const Context context_;
  const ClockSources clocks_;
  const ErasureJobOptions options_;
};

}  // namespace tidemark::study
