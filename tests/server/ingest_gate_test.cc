#include "server/ingest_gate.h"

#include "base/rpc/reason.h"
#include "tests/support/status_matchers.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using support::StatusIs;

TEST(IngestGateTest, IsClosedUntilTheDatabaseWasLookedAt) {
  IngestGate gate;
  EXPECT_EQ(rpc::ReasonOf(gate.Check()), v1::ERROR_REASON_INGEST_REFUSED);
  gate.Update(absl::OkStatus());
  EXPECT_THAT(gate.Check(), IsOk());
}

TEST(IngestGateTest, DefiniteNoClosesWithADelay) {
  IngestGate gate;
  gate.Update(absl::OkStatus());
  gate.Update(absl::FailedPreconditionError("fsync is off"));
  EXPECT_THAT(gate.Check(), StatusIs(absl::StatusCode::kFailedPrecondition, "fsync is off"));
  EXPECT_TRUE(rpc::RetryDelayOf(gate.Check()).has_value());
  gate.Update(absl::OkStatus());
  EXPECT_THAT(gate.Check(), IsOk());
}

TEST(IngestGateTest, NoAnswerChangesNothing) {
  IngestGate gate;
  gate.Update(absl::UnavailableError("gone"));
  EXPECT_FALSE(gate.Check().ok());
  gate.Update(absl::OkStatus());
  gate.Update(absl::UnavailableError("gone"));
  EXPECT_THAT(gate.Check(), IsOk());
}

}  // namespace
}  // namespace tidemark::server
