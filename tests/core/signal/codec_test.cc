#include "core/signal/codec.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <iostream>

#include "core/signal/bitpack.h"
#include "core/signal/rice.h"
#include "tests/core/signal/signal_samples.h"
#include "tests/support/status_matchers.h"

namespace tidemark::signal {
namespace {

using support::StatusIs;
constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
constexpr SampleType kTypes[] = {SampleType::kInt16, SampleType::kInt32, SampleType::kFloat32,
                                 SampleType::kFloat64};
constexpr Effort kEfforts[] = {Effort::kLive, Effort::kDense};

Stamps StampsFor(size_t count, Random& random) {
  if (count > 0 && Below(random, 2)) {
    const int64_t first = static_cast<int64_t>(random());
    return *Stamps::Regular(first, count == 1 ? first : static_cast<int64_t>(random()), count);
  }
  std::vector<int64_t> stamps(count);
  int64_t t_ns = 1'657'544'371'000'000'000;
  for (int64_t& stamp : stamps) {
    stamp = t_ns += 1'000'000 * static_cast<int64_t>(8 + Below(random, 4));
  }
  return Stamps::Exact(stamps);
}

// Encodes, decodes, compares, and returns the size.
size_t RoundTrip(std::span<const SampleType> channels, const Stamps& stamps,
                 const std::string& values, Effort effort) {
  const std::string encoded = EncodeBlock(channels, stamps, values, effort);
  const auto block = DecodeBlock(channels, encoded, stamps.size());
  EXPECT_TRUE(block.ok()) << block.status();
  if (!block.ok()) return 0;
  EXPECT_EQ(block->stamps, stamps);
  EXPECT_TRUE(block->values == values) << "decoded bytes differ";
  const auto only_stamps = DecodeBlockStamps(encoded, stamps.size());
  EXPECT_TRUE(only_stamps.ok() && *only_stamps == stamps);
  return encoded.size();
}

TEST(BitpackTest, KeepsEveryWidth) {
  Random random(1);
  for (int width = 0; width <= 32; ++width) {
    alignas(16) std::array<uint32_t, kPackedValues> values;
    const uint64_t bound = uint64_t{1} << width;
    for (uint32_t& value : values) value = static_cast<uint32_t>(Below(random, bound));
    values[5] = static_cast<uint32_t>(bound - 1);
    // Exactly as many bytes as promised: a write past them is for the sanitizer to find.
    std::vector<char> packed(PackedBytes(width));
    Pack(values.data(), width, packed.data());
    alignas(16) std::array<uint32_t, kPackedValues> unpacked;
    Unpack(packed.data(), width, unpacked.data());
    EXPECT_EQ(values, unpacked) << "width " << width;
  }
}

TEST(RiceTest, KeepsValuesOfAnySize) {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    std::vector<uint64_t> values(Below(random, 400));
    const uint64_t shift = Below(random, 64);
    for (uint64_t& value : values) {
      value = random() >> (Below(random, 50) ? shift : Below(random, 64));
    }
    std::string bytes;
    BitWriter writer(bytes);
    RiceEncode(std::span<const uint64_t>(values), writer);
    writer.Finish();
    std::vector<uint64_t> decoded(values.size());
    BitReader reader(bytes);
    ASSERT_TRUE(RiceDecode(reader, std::span<uint64_t>(decoded)));
    EXPECT_EQ(reader.Finish(), bytes.size());
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(values, decoded);
  }
}

TEST(CodecTest, KeepsEveryBitOfEveryShapeAndCount) {
  Random random(3);
  const size_t borders[] = {0, 1, 2, 3, 4, 5, 127, 128, 129, 130, 131, 132, 255, 256, 257, 259};
  for (const SampleType type : kTypes) {
    for (const Shape shape : kShapes) {
      for (size_t round = 0; round < std::size(borders) + 20; ++round) {
        const size_t count =
            round < std::size(borders) ? borders[round] : 1 + Below(random, round % 2 ? 1200 : 30);
        const std::string values = MakeChannel(type, shape, count, random);
        const Stamps stamps = StampsFor(count, random);
        for (const Effort effort : kEfforts) {
          SCOPED_TRACE(testing::Message()
                       << "type " << int(type) << " shape " << int(shape) << " count " << count);
          RoundTrip({&type, 1}, stamps, values, effort);
        }
      }
    }
  }
}

TEST(CodecTest, KeepsMixedChannels) {
  Random random(4);
  for (int round = 0; round < 300; ++round) {
    const size_t count = 1 + Below(random, 700);
    std::vector<SampleType> channels;
    std::string values;
    for (uint64_t c = Below(random, 9); c > 0; --c) {
      channels.push_back(kTypes[Below(random, 4)]);
      values +=
          MakeChannel(channels.back(), kShapes[Below(random, std::size(kShapes))], count, random);
    }
    RoundTrip(channels, StampsFor(count, random), values, kEfforts[Below(random, 2)]);
  }
}

TEST(CodecTest, RandomBytesHardlyGrow) {
  Random random(5);
  for (const SampleType type : kTypes) {
    for (const Effort effort : kEfforts) {
      const std::string values = MakeChannel(type, Shape::kBits, 4096, random);
      const size_t size = RoundTrip({&type, 1}, *Stamps::Regular(0, 4095, 4096), values, effort);
      EXPECT_LT(static_cast<double>(size), 1.07 * static_cast<double>(values.size()))
          << "type " << int(type);
    }
  }
}

TEST(CodecTest, ConstantChannelsCostAlmostNothing) {
  Random random(6);
  for (const SampleType type : kTypes) {
    const std::string values = MakeChannel(type, Shape::kConstant, 4096, random);
    EXPECT_LT(RoundTrip({&type, 1}, *Stamps::Regular(0, 4095, 4096), values, Effort::kLive), 90u);
  }
}

TEST(CodecTest, RefusesOtherChannelsAndTooManySamples) {
  const SampleType channels[] = {SampleType::kInt16, SampleType::kFloat32};
  Random random(7);
  const std::string values = MakeChannel(channels[0], Shape::kWalk, 300, random) +
                             MakeChannel(channels[1], Shape::kWalk, 300, random);
  const std::string encoded = EncodeBlock(channels, *Stamps::Regular(0, 299, 300), values);
  const SampleType swapped[] = {SampleType::kFloat32, SampleType::kInt16};
  const SampleType more[] = {SampleType::kInt16, SampleType::kFloat32, SampleType::kInt16};
  EXPECT_THAT(DecodeBlock(swapped, encoded, 300), StatusIs(kDataLoss));
  EXPECT_THAT(DecodeBlock(more, encoded, 300), StatusIs(kDataLoss));
  EXPECT_THAT(DecodeBlock({channels, 1}, encoded, 300), StatusIs(kDataLoss));
  EXPECT_THAT(DecodeBlock(channels, encoded, 299), StatusIs(kDataLoss));
  EXPECT_THAT(DecodeBlockStamps(encoded, 299), StatusIs(kDataLoss));
  EXPECT_THAT(DecodeBlock(channels, encoded + '\0', 300), StatusIs(kDataLoss));
  EXPECT_THAT(DecodeBlock(channels, "", 300), StatusIs(kDataLoss));
  std::string other_format = encoded;
  other_format[0] = 99;
  EXPECT_THAT(DecodeBlock(channels, Resealed(other_format), 300), StatusIs(kDataLoss));
}

TEST(CodecTest, DividesACommonStrideOut) {
  const SampleType type = SampleType::kInt16;
  Random random(10);
  std::vector<int16_t> fine;
  for (int i = 0; i < 1000; ++i) fine.push_back(static_cast<int16_t>(Below(random, 256)));
  std::vector<int16_t> strided;
  for (const int16_t value : fine)
    strided.push_back(static_cast<int16_t>(-32768 + 256 * value + 77));
  const Stamps stamps = *Stamps::Regular(0, 999, 1000);
  for (const Effort effort : kEfforts) {
    EXPECT_LE(RoundTrip({&type, 1}, stamps, BytesFrom(strided), effort),
              RoundTrip({&type, 1}, stamps, BytesFrom(fine), effort) + 8);
  }
}

TEST(CodecTest, FindsEveryFlippedBit) {
  const SampleType type = SampleType::kInt16;
  Random random(8);
  const std::string values = MakeChannel(type, Shape::kWalk, 200, random);
  const std::string encoded = EncodeBlock({&type, 1}, *Stamps::Regular(0, 199, 200), values);
  for (size_t bit = 0; bit < 8 * encoded.size(); ++bit) {
    std::string damaged = encoded;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_THAT(DecodeBlock({&type, 1}, damaged, 200), StatusIs(kDataLoss)) << "bit " << bit;
  }
  for (size_t size = 0; size < encoded.size(); ++size) {
    EXPECT_THAT(DecodeBlock({&type, 1}, encoded.substr(0, size), 200), StatusIs(kDataLoss));
  }
}

// With the checksum made right again the parser itself meets the damage: it may then find samples
// or DATA_LOSS, but stays inside its bounds.
TEST(CodecTest, SurvivesHostileBytes) {
  Random random(9);
  size_t refused = 0;
  for (int round = 0; round < 6000; ++round) {
    const SampleType type = kTypes[Below(random, 4)];
    const size_t count = 1 + Below(random, 300);
    const std::string values =
        MakeChannel(type, kShapes[Below(random, std::size(kShapes))], count, random);
    const std::string encoded =
        EncodeBlock({&type, 1}, StampsFor(count, random), values, kEfforts[Below(random, 2)]);
    const std::string hostile = Resealed(Damage(encoded, random));
    const auto block = DecodeBlock({&type, 1}, hostile, 2000);
    if (block.ok()) {
      EXPECT_LE(block->count(), 2000u);
      EXPECT_EQ(block->values.size(), block->count() * BytesOf(type));
    } else {
      EXPECT_THAT(block, StatusIs(kDataLoss));
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000u);
}

// ---- Real recordings ------------------------------------------------------------------------

// Prints one line: what a modality costs per sample, raw and stored, stamps included.
class RealSignals : public testing::Test {
 protected:
  void SetUp() override {
    data_ = RealData();
    if (data_.empty()) GTEST_SKIP() << "no real recordings beside the project (../shared/data)";
  }
  void Add(std::span<const SampleType> channels, const Stamps& stamps, const std::string& values) {
    samples_ += stamps.size();
    raw_ += values.size() + 8 * stamps.size();
    live_ += RoundTrip(channels, stamps, values, Effort::kLive);
    dense_ += RoundTrip(channels, stamps, values, Effort::kDense);
    stamps_ += EncodeStamps(stamps).size();
  }
  void Print(const char* what) {
    const auto per_sample = [this](size_t bytes) {
      return static_cast<double>(bytes) / static_cast<double>(std::max<size_t>(samples_, 1));
    };
    std::cout << what << ": " << samples_ << " samples, bytes/sample raw " << per_sample(raw_)
              << ", live " << per_sample(live_) << ", dense " << per_sample(dense_)
              << " (of which stamps " << per_sample(stamps_) << ")\n";
  }
  double LivePerSample() const {
    return static_cast<double>(live_) / static_cast<double>(samples_);
  }

  std::filesystem::path data_;
  size_t samples_ = 0;
  size_t raw_ = 0;
  size_t live_ = 0;
  size_t dense_ = 0;
  size_t stamps_ = 0;
};

std::vector<int64_t> Milliseconds(const std::vector<double>& column) {
  std::vector<int64_t> stamps;
  for (const double value : column) stamps.push_back(static_cast<int64_t>(value) * 1'000'000);
  return stamps;
}

template <class Number>
std::string Cast(const std::vector<double>& column, size_t begin, size_t end) {
  std::string bytes;
  for (size_t i = begin; i < end; ++i) AppendLe(bytes, static_cast<Number>(column[i]));
  return bytes;
}

TEST_F(RealSignals, WatchAndPhoneMotion) {
  const std::vector<SampleType> channels(3, SampleType::kFloat32);
  for (const std::string device : {"sw", "sp"}) {
    for (const size_t first : {size_t{0}, size_t{3}}) {
      samples_ = raw_ = live_ = dense_ = stamps_ = 0;
      for (const auto& file :
           std::filesystem::recursive_directory_iterator(data_ / "watch-phone-tug")) {
        if (!file.path().stem().string().ends_with("_" + device)) continue;
        const auto columns = ReadColumns(file.path(), 1);
        const size_t count = columns[0].size();
        std::string values;
        for (size_t c = 0; c < 3; ++c) values += Cast<float>(columns[first + c], 0, count);
        Add(channels, Stamps::Exact(Milliseconds(columns[6])), values);
      }
      Print((device + (first == 0 ? " acceleration float32" : " gyroscope float32")).c_str());
      ASSERT_GT(samples_, 0u);
      EXPECT_LT(LivePerSample(), 6.5);  // 20 raw
    }
  }
}

TEST_F(RealSignals, Wristband) {
  struct Case {
    const char* file;
    size_t channels;
    SampleType type;
  };
  const Case cases[] = {{"BVP", 1, SampleType::kFloat32},  {"BVP", 1, SampleType::kFloat64},
                        {"EDA", 1, SampleType::kFloat32},  {"EDA", 1, SampleType::kFloat64},
                        {"TEMP", 1, SampleType::kFloat64}, {"ACC", 3, SampleType::kInt16},
                        {"HR", 1, SampleType::kFloat64},   {"IBI", 1, SampleType::kFloat64}};
  for (const auto& [file, channel_count, type] : cases) {
    samples_ = raw_ = live_ = dense_ = stamps_ = 0;
    for (const char* person : {"S01", "S02", "S17"}) {
      const bool stamped = std::string_view(file) == "IBI";
      const auto columns = ReadColumns(
          data_ / "empatica-e4" / person / (std::string(file) + ".csv"), stamped ? 1 : 2);
      const std::vector<SampleType> channels(channel_count, type);
      constexpr size_t kChunk = 4096;
      for (size_t begin = 0; begin < columns[0].size(); begin += kChunk) {
        const size_t end = std::min(begin + kChunk, columns[0].size());
        std::string values;
        for (size_t c = 0; c < channel_count; ++c) {
          const auto& column = columns[stamped ? 1 : c];
          if (type == SampleType::kInt16) values += Cast<int16_t>(column, begin, end);
          if (type == SampleType::kFloat32) values += Cast<float>(column, begin, end);
          if (type == SampleType::kFloat64) values += Cast<double>(column, begin, end);
        }
        const auto count = static_cast<int64_t>(end - begin);
        Add(channels, *Stamps::Regular(0, (count - 1) * 15'625'000, end - begin), values);
      }
    }
    Print((std::string(file) + (type == SampleType::kFloat32   ? " float32"
                                : type == SampleType::kFloat64 ? " float64"
                                                               : " int16"))
              .c_str());
  }
}

TEST_F(RealSignals, Audio) {
  const SampleType type = SampleType::kInt16;
  for (const char* folder : {"audio-events", "spoken-digits"}) {
    samples_ = raw_ = live_ = dense_ = stamps_ = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(data_ / folder)) {
      if (file.path().extension() != ".wav") continue;
      const std::vector<int16_t> wave = ReadWav(file.path());
      constexpr size_t kChunk = 8192;
      for (size_t begin = 0; begin < wave.size(); begin += kChunk) {
        const size_t n = std::min(kChunk, wave.size() - begin);
        const std::vector<int16_t> part(wave.begin() + static_cast<ptrdiff_t>(begin),
                                        wave.begin() + static_cast<ptrdiff_t>(begin + n));
        Add({&type, 1}, *Stamps::Regular(0, static_cast<int64_t>(n - 1) * 22'675, n),
            BytesFrom(part));
      }
    }
    Print(folder);
    ASSERT_GT(samples_, 0u);
  }
}

}  // namespace
}  // namespace tidemark::signal
