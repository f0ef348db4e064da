// Erasing a range of what is sealed, with a sealer that works on meanwhile.
#include <fmt/format.h>

#include "base/base64.h"
#include "store/sealer/sealer.h"
#include "tests/study/range_erasure_fixture.h"

namespace tidemark::study {
namespace {

using absl::StatusCode;
using support::IsOk;
using support::StatusIs;

class NoRest final : public sealer::SealPacer {
 public:
  void Rest(absl::Duration, int64_t) override {}
  bool IsStopping() override { return false; }
};

class SealedErasureTest : public RangeErasureTest {
 protected:
  // Everything that lies live.
  void Seal() {
    sealer::SealerOptions options;
    options.store.dsn = scene_.database().Dsn("tm_app");
    options.keys = &scene_.keys();
    options.catalog = &scene_.catalog();
    options.clock = &sealer_clock_;
    sealer::Sealer sealer(options);
    NoRest pacer;
    ASSERT_THAT(sealer.RunOnce(pacer).status(), IsOk());
    EXPECT_EQ(Value("select count(*) from segment where not sealed"), "0");
  }
  std::string RunsUnder(const store::DataKeyName& name) {
    std::string bytes;
    AppendLe(bytes, name.utc_day);
    AppendLe(bytes, name.generation);
    return Value(
        fmt::format("select (select count(*) from sealed_run where key_name = '{0}') + "
                    "(select count(*) from tile where substring(payload from 3 for 8) = "
                    "'{0}')",
                    "\\x" + HexEncode(bytes)));
  }

  ManualClock sealer_clock_{std::max(absl::Now(), absl::FromUnixSeconds(1'795'400'000)) +
                            absl::Hours(2)};
};

TEST_F(SealedErasureTest, HidesAtOnceAndThenDestroys) {
  const StreamId stream = Record("motion");
  const Samples before = Read(stream);
  Seal();
  const std::string picture = Columns(Overview(stream, 60, 100, 500));
  EXPECT_EQ(Read(stream), before);

  const v1::Erasure asked = Accept(Request(35, 55));
  EXPECT_EQ(asked.chunks_destroyed(), 3u);
  // Tiles that show it went in the same transaction; the rest is read from its samples.
  EXPECT_EQ(Value("select count(*) from tile"), "0");
  ExpectErased3To5(stream);
  ExpectVerified(7, 3);
  Seal();
  ExpectErased3To5(stream);
  ExpectVerified(7, 3);
  EXPECT_EQ(Columns(Overview(stream, 60, 100, 500)), picture);

  RunAll();
  EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(Get(asked).chunks_kept(), 7u);
  EXPECT_THAT(FindKey(stream), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(RunsUnder(KeyName(stream)), "0");
  ExpectErased3To5(stream);
  ExpectVerified(7, 3);
  Seal();
  EXPECT_EQ(RunsUnder(KeyName(stream)), "0");
  ExpectErased3To5(stream);
  ExpectVerified(7, 3);
  EXPECT_EQ(Columns(Overview(stream, 60, 100, 500)), picture);
  const Samples after = Read(stream);
  for (const auto& [number, bytes] : after.readable) EXPECT_EQ(bytes, before.readable.at(number));
}

TEST_F(SealedErasureTest, ASealerBetweenAnyTwoStepsBringsNothingBack) {
  for (int steps_max = 0;; ++steps_max) {
    const StreamId stream = Record(fmt::format("motion{}", steps_max));
    if (steps_max % 2 == 0) Seal();
    const v1::Erasure asked = Accept(Request(35, 55, {stream}));
    int steps = 0;
    ASSERT_THAT(Worker().RunOne([&] {
      Seal();
      return ++steps > steps_max;
    }),
                IsOk());
    const bool was_killed = Get(asked).state() != v1::ERASURE_STATE_DONE;
    Seal();
    ExpectErased3To5(stream);
    RunAll();
    EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE) << steps_max;
    Seal();
    EXPECT_EQ(RunsUnder(KeyName(stream)), "0");
    EXPECT_THAT(FindKey(stream), StatusIs(StatusCode::kNotFound));
    ExpectErased3To5(stream);
    if (!was_killed) break;
  }
}

}  // namespace
}  // namespace tidemark::study
