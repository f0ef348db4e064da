// The dense form: its parts one by one, then blocks of every kind, damaged ones included.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>

#include "core/signal/codec.h"
#include "core/signal/dense_residuals.h"
#include "core/signal/dense_stamps.h"
#include "core/signal/predictor.h"
#include "core/signal/predictor_fit.h"
#include "core/signal/prefix_code.h"
#include "tests/core/signal/dense_vectors.h"
#include "tests/core/signal/signal_samples.h"
#include "tests/support/status_matchers.h"

namespace tidemark::signal {
namespace {

using support::StatusIs;
constexpr auto kDenseDamage = absl::StatusCode::kDataLoss;
constexpr SampleType kDenseTypes[] = {SampleType::kInt16, SampleType::kInt32, SampleType::kFloat32,
                                      SampleType::kFloat64};

// ---- Prefix codes -------------------------------------------------------------------------------

TEST(PrefixCodeTest, LengthsAreThoseOfHuffmanWhereTheLimitAllows) {
  const std::array<uint32_t, 6> frequencies{45, 13, 12, 16, 9, 5};
  EXPECT_EQ(CodeLengths(frequencies, 10), (std::vector<uint8_t>{1, 3, 3, 3, 4, 4}));
  // With at most three bits: eight places, the rarest share the longest.
  const std::vector<uint8_t> limited = CodeLengths(frequencies, 3);
  uint64_t cost = 0;
  for (size_t i = 0; i < limited.size(); ++i) {
    EXPECT_LE(limited[i], 3);
    cost += frequencies[i] * limited[i];
  }
  // 2 bits for the two likeliest, 3 for the others: 45 + 16 twice, 39 three times.
  EXPECT_EQ(cost, 2u * 61 + 3u * 39);
}

TEST(PrefixCodeTest, OneSymbolNeedsNoBits) {
  const std::array<uint32_t, 3> frequencies{0, 7, 0};
  EXPECT_EQ(CodeLengths(frequencies, 10), (std::vector<uint8_t>{0, 0, 0}));
}

TEST(PrefixCodeTest, LevelsComeBackThroughTheTable) {
  Random random(1);
  for (int round = 0; round < 100; ++round) {
    LevelCode::Frequencies frequencies{};
    const double scale = 0.3 + 0.4 * (round / 2);
    for (size_t m = 0; m < kMagnitudes; ++m) {
      frequencies[m] = static_cast<uint32_t>(5000 * std::exp(-static_cast<double>(m) / scale));
    }
    const LevelOrder order = round % 2 ? LevelOrder::kSigned : LevelOrder::kZigZag;
    const LevelCode written = LevelCode::Fit(order, frequencies);
    std::string bytes;
    written.Append(bytes);
    LevelCode code(order);
    ByteReader from(bytes);
    ASSERT_TRUE(code.Read(from) && from.done());
    const auto table = std::make_unique<LevelCode::Table>(code.MakeTable());
    for (int level = -2 * kMagnitudes; level <= 2 * kMagnitudes; ++level) {
      const int symbol = code.SymbolOf(level);
      std::string put;
      BitWriter writer(put);
      code.Put(symbol, level, writer);
      writer.Put(Below(random, 1 << 20), 20);
      writer.Finish();
      BitReader reader(put);
      const uint16_t entry = (*table)[reader.Peek(kCodeBits)];
      EXPECT_EQ(entry & 0xFF, code.bits(symbol));
      EXPECT_EQ(static_cast<int8_t>(entry >> 8),
                symbol == LevelCode::kEscape ? kEscapeLevel : level);
    }
  }
}

// Whatever is read is a code in which every bit pattern means something, or it is refused.
TEST(PrefixCodeTest, ReadsCompleteCodesOnly) {
  Random random(2);
  size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(Below(random, 6));
    ByteReader levels_from(bytes);
    LevelCode levels(LevelOrder::kSigned);
    if (levels.Read(levels_from)) {
      double share = std::exp2(-levels.bits(LevelCode::kEscape));
      for (int m = 0; m < kMagnitudes; ++m) {
        if (levels.bits(m) != LevelCode::kNoCode) share += 2 * std::exp2(-levels.bits(m));
      }
      EXPECT_EQ(share, 1);
    } else {
      ++refused;
    }
    ByteReader symbols_from(bytes);
    SymbolCode symbols;
    if (symbols.Read(symbols_from)) {
      double share = 0;
      for (size_t symbol = 0; symbol < SymbolCode::kSymbols; ++symbol) {
        if (symbols.bits(symbol) > 0) share += std::exp2(-symbols.bits(symbol));
      }
      EXPECT_TRUE(share == 1 || share == 0);
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, 3000u);
}

// ---- Prediction ---------------------------------------------------------------------------------

template <class Int>
Predictors RandomPredictors(size_t count, Random& random) {
  Predictors predictors;
  predictors.taps = std::array<size_t, 3>{2, 4, 8}[Below(random, 3)];
  predictors.shift = static_cast<int>(Below(random, kShiftMax + 1));
  predictors.book.resize(1 + Below(random, kPredictorsMax));
  for (Coefficients& coefficients : predictors.book) {
    int rest = kCoefficientSumMax;
    for (size_t j = 0; j < predictors.taps; ++j) {
      const int size = std::min<int>(rest, static_cast<int>(Below(random, 32768)));
      rest -= size;
      coefficients[j] = static_cast<int16_t>(Below(random, 2) ? size : -size);
    }
  }
  predictors.choices.resize(SpanCount(count));
  for (uint8_t& choice : predictors.choices) {
    choice = static_cast<uint8_t>(Below(random, predictors.book.size()));
  }
  return predictors;
}

template <class Int>
void ExpectUndone(const Predictors& predictors, const std::vector<Int>& values) {
  std::vector<Int> residuals(values.size());
  Predict<Int>(predictors, values, residuals);
  std::vector<Int> heads;
  for (size_t l = 0; l < LaneCount(values.size()) && predictors.taps > 0; ++l) {
    heads.push_back(values[l * LaneValues(values.size())]);
  }
  residuals.resize(kLanes * LaneValues(values.size()), Int{-7});
  Unpredict<Int>(predictors, heads, values.size(), residuals);
  residuals.resize(values.size());
  EXPECT_EQ(residuals, values) << values.size() << " values, " << predictors.taps << " taps";
}

// Predict computes one value after the other, Unpredict eight lanes at once: each checks the other.
TEST(PredictorTest, IsUndoneForAnyPredictorAndValues) {
  Random random(3);
  const size_t borders[] = {1, 2, 15, 16, 17, 63, 64, 65, 511, 512, 513, 1023, 1024, 1025, 4097};
  for (int round = 0; round < 300; ++round) {
    const size_t count =
        static_cast<size_t>(round) < std::size(borders) ? borders[round] : 1 + Below(random, 5000);
    std::vector<int16_t> narrow(count);
    std::vector<int32_t> wide(count);
    const bool extreme = Below(random, 2);
    for (size_t i = 0; i < count; ++i) {
      narrow[i] = static_cast<int16_t>(extreme ? random() : Below(random, 100));
      wide[i] = static_cast<int32_t>(extreme ? random() : Below(random, 1000));
      if (Below(random, 30) == 0) narrow[i] = Below(random, 2) ? INT16_MIN : INT16_MAX;
      if (Below(random, 30) == 0) wide[i] = Below(random, 2) ? INT32_MIN : INT32_MAX;
    }
    ExpectUndone(RandomPredictors<int16_t>(count, random), narrow);
    ExpectUndone(RandomPredictors<int32_t>(count, random), wide);
    ExpectUndone(FitPredictors<int16_t>(narrow), narrow);
    ExpectUndone(FitPredictors<int32_t>(wide), wide);
  }
}

TEST(PredictorFitTest, KeepsToTheLimits) {
  Random random(4);
  for (const Shape shape : kShapes) {
    const std::string bytes = MakeChannel(SampleType::kInt16, shape, 5000, random);
    std::vector<int16_t> values(5000);
    std::memcpy(values.data(), bytes.data(), bytes.size());
    const Predictors predictors = FitPredictors<int16_t>(values);
    EXPECT_LE(predictors.book.size(), kPredictorsMax);
    EXPECT_LE(predictors.shift, kShiftMax);
    for (const Coefficients& coefficients : predictors.book) {
      int sum = 0;
      for (const int16_t coefficient : coefficients) sum += std::abs(int{coefficient});
      EXPECT_LE(sum, kCoefficientSumMax);
    }
  }
}

// A resonance is foretold but for the noise that drives it; polynomials do not do that.
TEST(PredictorFitTest, FindsAResonance) {
  std::mt19937 random(5);
  std::normal_distribution<double> noise(0, 10);
  std::vector<int16_t> values(8000);
  double a = 0;
  double b = 0;
  for (int16_t& value : values) {
    const double next = 1.6 * a - 0.95 * b + noise(random);
    b = std::exchange(a, next);
    value = static_cast<int16_t>(std::lround(next));
  }
  std::vector<int16_t> residuals(values.size());
  Predict<int16_t>(FitPredictors<int16_t>(values), values, residuals);
  double energy = 0;
  for (size_t i = 1000; i < values.size(); ++i) energy += std::pow(residuals[i], 2);
  EXPECT_LT(std::sqrt(energy / 7000), 11);
}

// ---- Residuals ----------------------------------------------------------------------------------

template <class Int>
void ExpectResidualsKept(std::vector<Int> values) {
  Residuals<Int> channel{std::move(values), {}};
  ResidualPlan plan;
  plan.Add(channel);
  const ResidualCodes codes = plan.Choose();
  std::string bytes;
  AppendCodes(codes, bytes);
  AppendResiduals(channel, codes, bytes);
  ByteReader from(bytes);
  const auto tables = std::make_unique<ResidualTables>();
  ASSERT_TRUE(ReadTables(from, *tables));
  std::vector<Int> decoded(channel.values.size());
  ResidualSpace space;
  ASSERT_TRUE(ReadResiduals<Int>(from, *tables, decoded, space));
  EXPECT_TRUE(from.done());
  EXPECT_EQ(decoded, channel.values);
}

TEST(ResidualsTest, KeepsAnySizesAndStrays) {
  Random random(6);
  for (int round = 0; round < 400; ++round) {
    const size_t count = kGroup * Below(random, 60);
    std::vector<int16_t> narrow(count);
    std::vector<int32_t> wide(count);
    int narrow_bits = static_cast<int>(Below(random, 17));
    int wide_bits = static_cast<int>(Below(random, 33));
    for (size_t i = 0; i < count; ++i) {
      if (Below(random, 50) == 0) narrow_bits = static_cast<int>(Below(random, 17));
      if (Below(random, 50) == 0) wide_bits = static_cast<int>(Below(random, 33));
      const auto draw = [&random](int bits) {
        return static_cast<int64_t>(Below(random, uint64_t{1} << bits)) - (int64_t{1} << bits) / 2;
      };
      narrow[i] = static_cast<int16_t>(draw(Below(random, 40) ? narrow_bits : 16));
      wide[i] = static_cast<int32_t>(draw(Below(random, 40) ? wide_bits : 32));
    }
    ExpectResidualsKept(narrow);
    ExpectResidualsKept(wide);
  }
}

// ---- Stamps -------------------------------------------------------------------------------------

size_t StampsRoundTrip(const std::vector<Stamps>& blocks) {
  std::vector<const Stamps*> views;
  size_t count = 0;
  for (const Stamps& block : blocks) {
    views.push_back(&block);
    count += block.size();
  }
  std::string bytes;
  AppendDenseStamps(views, bytes);
  std::vector<Stamps> decoded;
  ByteReader from(bytes);
  EXPECT_TRUE(ReadDenseStamps(from, std::max(count, blocks.size()), decoded));
  EXPECT_TRUE(from.done());
  EXPECT_EQ(decoded, blocks);
  if (count > blocks.size()) {
    ByteReader again(bytes);
    EXPECT_FALSE(ReadDenseStamps(again, count - 1, decoded));
  }
  return bytes.size();
}

Stamps Jittered(size_t count, int64_t& t_ns, int64_t tick_ns, uint64_t jitter, Random& random) {
  std::vector<int64_t> stamps(count);
  for (int64_t& stamp : stamps) {
    stamp = t_ns += tick_ns * static_cast<int64_t>(Below(random, jitter + 1));
  }
  return Stamps::Exact(stamps);
}

TEST(DenseStampsTest, KeepsAnyStamps) {
  Random random(7);
  for (int round = 0; round < 400; ++round) {
    std::vector<Stamps> blocks;
    int64_t t_ns = static_cast<int64_t>(random());
    for (uint64_t b = 1 + Below(random, 6); b > 0; --b) {
      const size_t count = 1 + Below(random, 300);
      const int64_t first = Below(random, 2) ? t_ns : static_cast<int64_t>(random());
      switch (round % 5) {
        case 0: {  // neighbours of one rate
          const int64_t last = first + 9'615'384 * static_cast<int64_t>(count - 1);
          blocks.push_back(*Stamps::Regular(first, last, count));
          t_ns = last + 9'615'384;
          break;
        }
        case 1:
          blocks.push_back(
              *Stamps::Regular(first, count == 1 ? first : static_cast<int64_t>(random()), count));
          break;
        case 2:
          t_ns = 1'657'544'371'000'000'000 + static_cast<int64_t>(Below(random, 1'000'000'000));
          blocks.push_back(Jittered(count, t_ns, 1'000'000, 20, random));
          break;
        case 3: {
          std::vector<int64_t> stamps(count);
          for (int64_t& stamp : stamps) {
            stamp = static_cast<int64_t>(random() >> (Below(random, 3) ? 40 : 0));
          }
          blocks.push_back(Stamps::Exact(stamps));
          break;
        }
        default:
          blocks.push_back(Below(random, 2) ? Stamps() : *Stamps::Regular(first, first, 1));
      }
    }
    StampsRoundTrip(blocks);
  }
  StampsRoundTrip({Stamps()});
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  StampsRoundTrip({Stamps::Exact({kMax, kMin, kMax, 0, -1, kMin})});
  StampsRoundTrip({*Stamps::Regular(kMax, kMin, 9), *Stamps::Regular(kMin, kMax, 2)});
}

TEST(DenseStampsTest, SizesFollowTheJitter) {
  Random random(8);
  int64_t t_ns = 0;
  const auto bits = [&](int64_t tick_ns, uint64_t jitter) {
    const size_t bytes = StampsRoundTrip({Jittered(20'000, t_ns, tick_ns, jitter, random)});
    return static_cast<double>(bytes) * 8 / 20'000;
  };
  EXPECT_LT(bits(1'000'000, 0), 0.03);
  EXPECT_LT(bits(1'000'000, 3), 2.1);   // 2 bits of it
  EXPECT_LT(bits(1'000'000, 15), 4.2);  // 4
  EXPECT_LT(bits(1, 1'048'575), 20.4);  // 20
  // Chunks of regular stamps that follow one another.
  std::vector<Stamps> blocks;
  for (int64_t b = 0; b < 100; ++b) {
    const int64_t first = b * 1000 * 9'615'384 + static_cast<int64_t>(Below(random, 1000));
    blocks.push_back(*Stamps::Regular(first, first + int64_t{999} * 9'615'384 + 5, 1000));
  }
  EXPECT_LT(StampsRoundTrip(blocks), 100u * 10);
}

// ---- Blocks -------------------------------------------------------------------------------------

struct SealedRun {
  std::vector<Stamps> stamps;
  std::vector<std::string> values;

  std::string Encode(std::span<const SampleType> channels) const {
    std::vector<BlockView> views;
    for (size_t b = 0; b < stamps.size(); ++b) views.push_back({&stamps[b], values[b]});
    return EncodeBlocks(channels, views);
  }
  size_t count() const {
    return std::accumulate(stamps.begin(), stamps.end(), size_t{0},
                           [](size_t sum, const Stamps& s) { return sum + s.size(); });
  }
};

// `channels` of those shapes, cut into blocks.
SealedRun MakeRun(std::span<const SampleType> channels, std::span<const Shape> shapes,
                  const std::vector<size_t>& counts, Random& random) {
  SealedRun run;
  int64_t t_ns = 1'657'544'371'000'000'000;
  const bool exact = Below(random, 2);
  for (const size_t count : counts) {
    const int64_t span = count == 0 ? 0 : static_cast<int64_t>(count - 1) * 10'000'000;
    if (exact || count == 0) {
      run.stamps.push_back(Jittered(count, t_ns, 1'000'000, 12, random));
    } else {
      run.stamps.push_back(*Stamps::Regular(t_ns, t_ns + span, count));
      t_ns += span + 10'000'000;
    }
    std::string values;
    for (size_t c = 0; c < channels.size(); ++c) {
      values += MakeChannel(channels[c], shapes[c], count, random);
    }
    run.values.push_back(std::move(values));
  }
  return run;
}

void ExpectKept(std::span<const SampleType> channels, const SealedRun& run) {
  const std::string encoded = run.Encode(channels);
  const auto blocks = DecodeBlocks(channels, encoded, run.count());
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  ASSERT_EQ(blocks->size(), run.stamps.size());
  for (size_t b = 0; b < blocks->size(); ++b) {
    EXPECT_EQ((*blocks)[b].stamps, run.stamps[b]);
    EXPECT_TRUE((*blocks)[b].values == run.values[b]) << "decoded bytes differ";
  }
  const auto stamps = DecodeBlocksStamps(encoded, run.count());
  EXPECT_TRUE(stamps.ok() && *stamps == run.stamps);
}

TEST(DenseBlocksTest, KeepsEveryBitOfSeveralBlocks) {
  Random random(9);
  for (int round = 0; round < 500; ++round) {
    std::vector<SampleType> channels;
    std::vector<Shape> shapes;
    for (uint64_t c = Below(random, 5); c > 0; --c) {
      channels.push_back(kDenseTypes[Below(random, 4)]);
      shapes.push_back(kShapes[Below(random, std::size(kShapes))]);
    }
    std::vector<size_t> counts;
    for (uint64_t b = 1 + Below(random, 7); b > 0; --b) {
      counts.push_back(Below(random, 10) ? 1 + Below(random, 700) : Below(random, 3));
    }
    // An empty block needs some others to be counted among.
    if (std::accumulate(counts.begin(), counts.end(), size_t{0}) < counts.size()) continue;
    SCOPED_TRACE(testing::Message() << "round " << round);
    ExpectKept(channels, MakeRun(channels, shapes, counts, random));
  }
}

TEST(DenseBlocksTest, KeepsLongRuns) {
  Random random(10);
  for (const SampleType type : kDenseTypes) {
    for (const Shape shape : kShapes) {
      const std::vector<size_t> counts{1177, 30'000, 1, 9999};
      SCOPED_TRACE(testing::Message() << "type " << int(type) << " shape " << int(shape));
      ExpectKept({&type, 1}, MakeRun({&type, 1}, {&shape, 1}, counts, random));
    }
  }
}

TEST(DenseBlocksTest, ALiveBlockIsOneBlock) {
  const SampleType type = SampleType::kInt16;
  Random random(11);
  const std::string values = MakeChannel(type, Shape::kWalk, 300, random);
  const Stamps stamps = *Stamps::Regular(0, 299, 300);
  const std::string encoded = EncodeBlock({&type, 1}, stamps, values, Effort::kLive);
  const auto blocks = DecodeBlocks({&type, 1}, encoded, 300);
  ASSERT_TRUE(blocks.ok() && blocks->size() == 1);
  EXPECT_EQ(blocks->front().stamps, stamps);
  EXPECT_TRUE(blocks->front().values == values);
}

TEST(DenseBlocksTest, RefusesWhatWasNotMeant) {
  const SampleType channels[] = {SampleType::kInt16, SampleType::kFloat32};
  const Shape shapes[] = {Shape::kWalk, Shape::kScaled};
  Random random(12);
  const SealedRun run = MakeRun(channels, shapes, {300, 200}, random);
  const std::string encoded = run.Encode(channels);
  const SampleType swapped[] = {SampleType::kFloat32, SampleType::kInt16};
  EXPECT_THAT(DecodeBlocks(swapped, encoded, 500), StatusIs(kDenseDamage));
  EXPECT_THAT(DecodeBlocks({channels, 1}, encoded, 500), StatusIs(kDenseDamage));
  EXPECT_THAT(DecodeBlocks(channels, encoded, 499), StatusIs(kDenseDamage));
  EXPECT_THAT(DecodeBlocksStamps(encoded, 499), StatusIs(kDenseDamage));
  EXPECT_THAT(DecodeBlocks(channels, encoded + '\0', 500), StatusIs(kDenseDamage));
  // Two blocks are not one.
  EXPECT_THAT(DecodeBlock(channels, encoded, 500), StatusIs(kDenseDamage));
  EXPECT_THAT(DecodeBlockStamps(encoded, 500), StatusIs(kDenseDamage));
}

TEST(DenseBlocksTest, FindsEveryFlippedBit) {
  const SampleType type = SampleType::kInt16;
  const Shape shape = Shape::kWalk;
  Random random(13);
  const std::string encoded =
      MakeRun({&type, 1}, {&shape, 1}, {100, 60}, random).Encode({&type, 1});
  for (size_t bit = 0; bit < 8 * encoded.size(); ++bit) {
    std::string damaged = encoded;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_THAT(DecodeBlocks({&type, 1}, damaged, 160), StatusIs(kDenseDamage)) << "bit " << bit;
  }
  for (size_t size = 0; size < encoded.size(); ++size) {
    EXPECT_THAT(DecodeBlocks({&type, 1}, encoded.substr(0, size), 160), StatusIs(kDenseDamage));
  }
}

// With the checksum made right again the parser itself meets the damage.
TEST(DenseBlocksTest, SurvivesHostileBytes) {
  Random random(14);
  size_t refused = 0;
  for (int round = 0; round < 6000; ++round) {
    const SampleType type = kDenseTypes[Below(random, 4)];
    const Shape shape = kShapes[Below(random, std::size(kShapes))];
    const SealedRun run = MakeRun({&type, 1}, {&shape, 1}, {1 + Below(random, 300), 40}, random);
    const std::string hostile = Resealed(Damage(run.Encode({&type, 1}), random));
    const auto blocks = DecodeBlocks({&type, 1}, hostile, 2000);
    if (!blocks.ok()) {
      EXPECT_THAT(blocks, StatusIs(kDenseDamage));
      ++refused;
      continue;
    }
    size_t count = 0;
    for (const Block& block : *blocks) {
      count += block.count();
      EXPECT_EQ(block.values.size(), block.count() * BytesOf(type));
    }
    EXPECT_LE(count, 2000u);
  }
  EXPECT_GT(refused, 1000u);
}

TEST(DenseBlocksTest, SurvivesBytesThatAreNoBlock) {
  Random random(15);
  const SampleType channels[] = {SampleType::kInt16, SampleType::kFloat64};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(1 + Below(random, 400), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() >> Below(random, 60));
    bytes[0] = static_cast<char>(BlockFormat::kDense);
    if (const auto blocks = DecodeBlocks(channels, Resealed(bytes + "crc."), 5000); blocks.ok()) {
      EXPECT_LE(blocks->size(), 5000u);
    }
  }
}

TEST(DenseBlocksTest, ConstantAndRandomChannelsCostWhatTheyMust) {
  Random random(16);
  for (const SampleType type : kDenseTypes) {
    const Shape constant = Shape::kConstant;
    const SealedRun still = MakeRun({&type, 1}, {&constant, 1}, {20'000}, random);
    std::string stamps;
    const Stamps* view = still.stamps.data();
    AppendDenseStamps({&view, 1}, stamps);
    EXPECT_LT(still.Encode({&type, 1}).size() - stamps.size(), 120u) << "type " << int(type);
    const std::string noise = MakeChannel(type, Shape::kBits, 20'000, random);
    const std::string encoded =
        EncodeBlock({&type, 1}, *Stamps::Regular(0, 19'999, 20'000), noise, Effort::kDense);
    EXPECT_LT(static_cast<double>(encoded.size()), 1.04 * static_cast<double>(noise.size()))
        << "type " << int(type);
  }
}

// What is at rest is read by every later version.
TEST(DenseBlocksTest, ReadsTheGoldenVectors) {
  const char* source = std::getenv("TIDEMARK_SOURCE_DIR");
  const auto vectors = ReadDenseVectors(std::filesystem::path(source ? source : ".") /
                                        "tests/core/signal/dense_vectors.txt");
  ASSERT_FALSE(vectors.empty());
  for (const DenseVector& vector : vectors) {
    SCOPED_TRACE(vector.name);
    const auto blocks = DecodeBlocks(vector.channels, vector.encoded, 2000);
    ASSERT_TRUE(blocks.ok()) << blocks.status();
    ASSERT_EQ(blocks->size(), vector.blocks.size());
    for (size_t b = 0; b < blocks->size(); ++b) {
      EXPECT_EQ((*blocks)[b].stamps, vector.blocks[b].stamps);
      EXPECT_TRUE((*blocks)[b].values == vector.blocks[b].values);
    }
  }
}

// ---- Real recordings ----------------------------------------------------------------------------

// A whole session of each person as the sealer would store it: trials in a row.
TEST(DenseBlocksTest, RealWatchSessionsStaySmall) {
  const std::filesystem::path data = RealData();
  if (data.empty()) GTEST_SKIP() << "no real recordings beside the project (../shared/data)";
  const std::vector<SampleType> channels(3, SampleType::kFloat32);
  for (const size_t sensor : {size_t{0}, size_t{1}}) {
    size_t samples = 0;
    size_t bytes = 0;
    size_t stamp_bytes = 0;
    for (const auto& person : std::filesystem::directory_iterator(data / "watch-phone-tug")) {
      if (!person.is_directory()) continue;
      SealedRun run;
      for (const auto& file : std::filesystem::directory_iterator(person)) {
        if (!file.path().stem().string().ends_with("_sw")) continue;
        const auto columns = ReadColumns(file.path(), 1);
        std::vector<int64_t> stamps;
        for (const double ms : columns[6]) stamps.push_back(static_cast<int64_t>(ms) * 1'000'000);
        std::string values;
        for (size_t c = 0; c < 3; ++c) {
          for (const double value : columns[3 * sensor + c]) {
            AppendLe(values, static_cast<float>(value));
          }
        }
        run.stamps.push_back(Stamps::Exact(std::move(stamps)));
        run.values.push_back(std::move(values));
      }
      if (run.stamps.empty()) continue;
      ExpectKept(channels, run);
      samples += run.count();
      bytes += run.Encode(channels).size();
      std::vector<const Stamps*> views;
      for (const Stamps& stamps : run.stamps) views.push_back(&stamps);
      std::string stamps;
      AppendDenseStamps(views, stamps);
      stamp_bytes += stamps.size();
    }
    const auto per_sample = [samples](size_t n) {
      return static_cast<double>(n) / static_cast<double>(samples);
    };
    std::cout << (sensor == 0 ? "watch acceleration" : "watch gyroscope") << ": " << samples
              << " samples, bytes/sample values " << per_sample(bytes - stamp_bytes) << ", stamps "
              << per_sample(stamp_bytes) << "\n";
    EXPECT_LT(per_sample(bytes - stamp_bytes), sensor == 0 ? 2.95 : 2.35);
    EXPECT_LT(per_sample(stamp_bytes), 0.36);
  }
}

}  // namespace
}  // namespace tidemark::signal
