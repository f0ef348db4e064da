#include "server/health_board.h"

#include <gmock/gmock.h>

#include <map>

namespace tidemark::server {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Pair;

constexpr char kIngestService[] = "tidemark.v1.IngestService";
constexpr char kSignalService[] = "tidemark.v1.SignalService";
constexpr char kServerService[] = "tidemark.v1.ServerService";

// What gRPC would tell.
class ShownHealth : public grpc::HealthCheckServiceInterface {
 public:
  void SetServingStatus(const std::string& service, bool serving) override {
    shown[service] = serving;
    ++words;
  }
  void SetServingStatus(bool) override { ADD_FAILURE() << "services differ"; }
  void Shutdown() override {}
  std::map<std::string, bool> shown;
  int words = 0;
};

class HealthBoardTest : public ::testing::Test {
 protected:
  void ProbeFinds(bool answers, const std::set<std::string>& broken = {}) {
    board_.ProbeBegins();
    board_.ProbeEnds(answers, broken);
  }
  ShownHealth shown_;
  HealthBoard board_{{"study", "ingest", "signal"}, &shown_};
};

TEST_F(HealthBoardTest, EverythingServesAtFirst) {
  EXPECT_THAT(shown_.shown, Each(Pair(::testing::_, true)));
  EXPECT_THAT(shown_.shown, Contains(Pair("", true)));
  EXPECT_THAT(shown_.shown, Contains(Pair(kIngestService, true)));
  EXPECT_FALSE(board_.IsServing("tidemark.v1.NoSuchService"));
}

TEST_F(HealthBoardTest, OnlyChangesAreTold) {
  const int words = shown_.words;
  ProbeFinds(true);
  board_.SetHandlersFree(true);
  EXPECT_EQ(shown_.words, words);
  ProbeFinds(true, {"ingest"});
  EXPECT_EQ(shown_.words, words + 2) << "the service and the whole";
}

TEST_F(HealthBoardTest, WithoutTheDatabaseNothingServes) {
  ProbeFinds(false);
  EXPECT_THAT(shown_.shown, Each(Pair(::testing::_, false)));
  ProbeFinds(true);
  EXPECT_THAT(shown_.shown, Each(Pair(::testing::_, true)));
}

TEST_F(HealthBoardTest, ARoleThatIsLockedOutTakesItsOwnServicesDown) {
  ProbeFinds(true, {"signal"});
  EXPECT_FALSE(board_.IsServing(kSignalService));
  EXPECT_TRUE(board_.IsServing(kIngestService));
  EXPECT_TRUE(board_.IsServing(kServerService));
  EXPECT_FALSE(board_.IsServing("")) << "the whole is what all of it is";
  ProbeFinds(true);
  EXPECT_TRUE(board_.IsServing(""));
}

TEST_F(HealthBoardTest, TakenHandlersAndTheEndAreForAll) {
  board_.SetHandlersFree(false);
  EXPECT_THAT(shown_.shown, Each(Pair(::testing::_, false)));
  board_.SetHandlersFree(true);
  EXPECT_TRUE(board_.IsServing(""));
  board_.Stop();
  ProbeFinds(true);
  board_.SetHandlersFree(true);
  EXPECT_THAT(shown_.shown, Each(Pair(::testing::_, false)));
}

}  // namespace
}  // namespace tidemark::server
