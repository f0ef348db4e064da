// Speed of the sample codec and the tiles, in bytes of raw samples per second of one thread.
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>

#include "base/endian.h"
#include "core/signal/codec.h"
#include "core/signal/tiles.h"

namespace tidemark::signal {
namespace {

// A 16 KB upload of three axes: slow motion and sensor noise.
constexpr size_t kChannels = 3;
constexpr int64_t kPeriodNs = 10'000'000;

enum class Kind { kInt16, kScaledFloat32, kTrueFloat32 };

struct Input {
  std::vector<SampleType> channels;
  Stamps stamps;
  std::string values;
};

Input MakeInput(Kind kind) {
  const SampleType type = kind == Kind::kInt16 ? SampleType::kInt16 : SampleType::kFloat32;
  const size_t count = 16'384 / kChannels / BytesOf(type);
  Input input;
  input.channels.assign(kChannels, type);
  input.stamps = *Stamps::Regular(0, static_cast<int64_t>(count - 1) * kPeriodNs, count);
  std::mt19937 random(1);
  std::normal_distribution<double> noise(0, 20);
  for (size_t c = 0; c < kChannels; ++c) {
    for (size_t i = 0; i < count; ++i) {
      const double value = 4000 * std::sin(0.03 * static_cast<double>(i * (c + 1))) + noise(random);
      const auto integer = static_cast<int16_t>(value);
      if (kind == Kind::kInt16) AppendLe(input.values, integer);
      if (kind == Kind::kScaledFloat32) {
        AppendLe(input.values, static_cast<float>(integer * double{0.0023956299F}));
      }
      if (kind == Kind::kTrueFloat32) AppendLe(input.values, static_cast<float>(value));
    }
  }
  return input;
}

void CountBytes(benchmark::State& state, const Input& input) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * input.values.size()));
}

void Encode(benchmark::State& state, Kind kind, Effort effort) {
  const Input input = MakeInput(kind);
  size_t encoded_bytes = 0;
  for (auto _ : state) {
    const std::string encoded = EncodeBlock(input.channels, input.stamps, input.values, effort);
    encoded_bytes = encoded.size();
    benchmark::DoNotOptimize(encoded.data());
  }
  CountBytes(state, input);
  state.counters["stored_share"] =
      static_cast<double>(encoded_bytes) / static_cast<double>(input.values.size());
}

void Decode(benchmark::State& state, Kind kind, Effort effort) {
  const Input input = MakeInput(kind);
  const std::string encoded = EncodeBlock(input.channels, input.stamps, input.values, effort);
  for (auto _ : state) {
    const auto block = DecodeBlock(input.channels, encoded, input.stamps.size());
    if (!block.ok()) return state.SkipWithError("the block does not decode");
    benchmark::DoNotOptimize(block->values.data());
  }
  CountBytes(state, input);
}

void Tiles(benchmark::State& state, Kind kind) {
  const Input input = MakeInput(kind);
  for (auto _ : state) {
    const auto buckets = MakeBuckets(input.channels, input.stamps, input.values, 4 * kPeriodNs);
    benchmark::DoNotOptimize(buckets.data());
  }
  CountBytes(state, input);
}

void TilesEncode(benchmark::State& state, Kind kind) {
  const Input input = MakeInput(kind);
  const auto buckets = MakeBuckets(input.channels, input.stamps, input.values, 4 * kPeriodNs);
  size_t encoded_bytes = 0;
  for (auto _ : state) {
    const std::string encoded = EncodeBuckets(input.channels, buckets);
    encoded_bytes = encoded.size();
    benchmark::DoNotOptimize(encoded.data());
  }
  CountBytes(state, input);
  state.counters["stored_share"] =
      static_cast<double>(encoded_bytes) / static_cast<double>(input.values.size());
}

Stamps JitteredStamps() {
  std::mt19937 random(1);
  std::vector<int64_t> stamps(1000);
  int64_t t_ms = 1'657'544'371'000;
  for (int64_t& stamp : stamps)
    stamp = (t_ms += 9 + static_cast<int64_t>(random() % 3)) * 1'000'000;
  return Stamps::Exact(std::move(stamps));
}

void StampsEncode(benchmark::State& state) {
  const Stamps stamps = JitteredStamps();
  for (auto _ : state) benchmark::DoNotOptimize(EncodeStamps(stamps).data());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * stamps.size()));
}

void StampsDecode(benchmark::State& state) {
  const std::string encoded = EncodeStamps(JitteredStamps());
  size_t count = 0;
  for (auto _ : state) {
    std::string_view bytes = encoded;
    count = DecodeStamps(bytes, 1000).value_or(Stamps()).size();
    benchmark::DoNotOptimize(count);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * count));
}

BENCHMARK_CAPTURE(Encode, int16_live, Kind::kInt16, Effort::kLive);
BENCHMARK_CAPTURE(Decode, int16_live, Kind::kInt16, Effort::kLive);
BENCHMARK_CAPTURE(Encode, int16_dense, Kind::kInt16, Effort::kDense);
BENCHMARK_CAPTURE(Decode, int16_dense, Kind::kInt16, Effort::kDense);
BENCHMARK_CAPTURE(Encode, scaled_float32_dense, Kind::kScaledFloat32, Effort::kDense);
BENCHMARK_CAPTURE(Decode, scaled_float32_dense, Kind::kScaledFloat32, Effort::kDense);
BENCHMARK_CAPTURE(Encode, scaled_float32_live, Kind::kScaledFloat32, Effort::kLive);
BENCHMARK_CAPTURE(Decode, scaled_float32_live, Kind::kScaledFloat32, Effort::kLive);
BENCHMARK_CAPTURE(Encode, true_float32_live, Kind::kTrueFloat32, Effort::kLive);
BENCHMARK_CAPTURE(Decode, true_float32_live, Kind::kTrueFloat32, Effort::kLive);
BENCHMARK_CAPTURE(Tiles, int16, Kind::kInt16);
BENCHMARK_CAPTURE(Tiles, float32, Kind::kScaledFloat32);
BENCHMARK_CAPTURE(TilesEncode, int16, Kind::kInt16);
BENCHMARK_CAPTURE(TilesEncode, float32, Kind::kScaledFloat32);
BENCHMARK(StampsEncode);
BENCHMARK(StampsDecode);

}  // namespace
}  // namespace tidemark::signal

BENCHMARK_MAIN();
