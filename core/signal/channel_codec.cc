#include "core/signal/channel_codec.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "core/signal/disguise.h"
#include "core/signal/floats.h"
#include "core/signal/integers.h"
#include "core/signal/varint.h"

// A channel is
//   u8 type (low four bits) and guise (high four bits), then
//   plain:     integers.h or floats.h, as the type says
//   narrow:    (float64) the float32 values that all of them are, as a channel of their own
//   disguised: u8 operation, f64 factor, exceptional runs, integers.h (32 bit)
// Exceptional runs: varint n, then n times varint values since the end of the run before,
// varint length - 1, the value.
namespace tidemark::signal {
namespace {

enum class Guise : uint8_t { kPlain = 0, kNarrow = 1, kDisguised = 2 };  // stored

void AppendHead(SampleType type, Guise guise, std::string& to) {
  to.push_back(static_cast<char>(static_cast<int>(type) | static_cast<int>(guise) << 4));
}

template <class Float>
void AppendUnmasked(const Unmasked<Float>& unmasked, Effort effort, std::string& to) {
  AppendLe(to, unmasked.formula.operation);
  AppendLe(to, unmasked.formula.factor);
  AppendVarint(to, unmasked.exceptional.size());
  size_t end = 0;
  for (const Exceptional<Float>& run : unmasked.exceptional) {
    AppendVarint(to, run.begin - end);
    AppendVarint(to, run.count - 1);
    AppendLe(to, run.value);
    end = run.begin + run.count;
  }
  EncodeIntegers<int32_t>(reinterpret_cast<const char*>(unmasked.integers.data()),
                          unmasked.integers.size(), effort, to);
}

// The values as floats, if that is what they all are.
std::optional<std::string> Narrowed(std::string_view values) {
  const size_t count = values.size() / sizeof(double);
  std::string narrow(count * sizeof(float), '\0');
  for (size_t i = 0; i < count; ++i) {
    const auto wide = LoadLe<double>(values.data() + i * sizeof(double));
    // A NaN may lose payload bits, and a double beyond float's range may not be cast.
    if (!(std::abs(wide) <= double{std::numeric_limits<float>::max()})) return std::nullopt;
    const auto value = static_cast<float>(wide);
    if (double{value} != wide) return std::nullopt;
    std::memcpy(narrow.data() + i * sizeof(float), &value, sizeof value);
  }
  return narrow;
}

template <class Float>
void EncodeFloatChannel(SampleType type, std::string_view values, Effort effort, std::string& to) {
  const size_t count = values.size() / sizeof(Float);
  const size_t begin = to.size();
  if (const auto unmasked = Unmask<Float>(values.data(), count)) {
    AppendHead(type, Guise::kDisguised, to);
    AppendUnmasked(*unmasked, effort, to);
    if (to.size() - begin < values.size()) return;
    to.resize(begin);
  }
  if constexpr (sizeof(Float) == sizeof(double)) {
    if (const auto narrow = Narrowed(values); narrow && count > 0) {
      AppendHead(type, Guise::kNarrow, to);
      EncodeFloatChannel<float>(SampleType::kFloat32, *narrow, effort, to);
      return;
    }
  }
  AppendHead(type, Guise::kPlain, to);
  EncodeFloats<Float>(values.data(), count, effort, to);
}

template <class Float>
[[nodiscard]] bool DecodeExceptional(ByteReader& from, size_t count,
                                     std::vector<Exceptional<Float>>& runs) {
  const auto run_count = ReadVarint(from, count);
  if (!run_count) return false;
  size_t end = 0;
  for (uint64_t i = 0; i < *run_count; ++i) {
    const auto gap = ReadVarint(from, count - end);
    if (!gap) return false;
    const size_t begin = end + *gap;
    const auto more = ReadVarint(from, count - begin);
    if (!more || *more == count - begin) return false;
    runs.push_back({begin, *more + 1, from.Read<Float>()});
    if (!from.ok()) return false;
    end = begin + *more + 1;
  }
  return true;
}

template <class Float>
[[nodiscard]] bool DecodeDisguised(ByteReader& from, size_t count, char* values) {
  const auto operation = from.Read<Operation>();
  const Formula formula{operation, from.Read<double>()};
  const bool known = operation == Operation::kTimes || operation == Operation::kOver;
  if (!known || !std::isfinite(formula.factor) || formula.factor <= 0) return false;
  std::vector<Exceptional<Float>> runs;
  if (!DecodeExceptional(from, count, runs)) return false;
  std::vector<int32_t> integers(count);
  if (!DecodeIntegers<int32_t>(from, count, reinterpret_cast<char*>(integers.data()))) return false;
  for (size_t i = 0; i < count; ++i) {
    const Float value = formula.Apply<Float>(integers[i]);
    std::memcpy(values + i * sizeof(Float), &value, sizeof value);
  }
  for (const Exceptional<Float>& run : runs) {
    for (size_t i = run.begin; i < run.begin + run.count; ++i) {
      std::memcpy(values + i * sizeof(Float), &run.value, sizeof run.value);
    }
  }
  return true;
}

[[nodiscard]] bool DecodeNarrow(ByteReader& from, size_t count, char* values) {
  std::vector<float> narrow(count);
  if (!DecodeChannel(SampleType::kFloat32, from, count, reinterpret_cast<char*>(narrow.data()))) {
    return false;
  }
  for (size_t i = 0; i < count; ++i) {
    const double value = narrow[i];
    std::memcpy(values + i * sizeof(double), &value, sizeof value);
  }
  return true;
}

template <class Float>
[[nodiscard]] bool DecodeFloatChannel(Guise guise, ByteReader& from, size_t count, char* values) {
  switch (guise) {
    case Guise::kPlain:
      return DecodeFloats<Float>(from, count, values);
    case Guise::kDisguised:
      return DecodeDisguised<Float>(from, count, values);
    case Guise::kNarrow:
      if constexpr (sizeof(Float) == sizeof(double)) return DecodeNarrow(from, count, values);
      return false;
  }
  return false;
}

}  // namespace

void EncodeChannel(SampleType type, std::string_view values, Effort effort, std::string& to) {
  switch (type) {
    case SampleType::kInt16:
      AppendHead(type, Guise::kPlain, to);
      return EncodeIntegers<int16_t>(values.data(), values.size() / 2, effort, to);
    case SampleType::kInt32:
      AppendHead(type, Guise::kPlain, to);
      return EncodeIntegers<int32_t>(values.data(), values.size() / 4, effort, to);
    case SampleType::kFloat32:
      return EncodeFloatChannel<float>(type, values, effort, to);
    case SampleType::kFloat64:
      return EncodeFloatChannel<double>(type, values, effort, to);
  }
}

bool DecodeChannel(SampleType type, ByteReader& from, size_t count, char* values) {
  const uint8_t head = from.Read<uint8_t>();
  const auto guise = static_cast<Guise>(head >> 4);
  if (!from.ok() || (head & 0xF) != static_cast<int>(type)) return false;
  switch (type) {
    case SampleType::kInt16:
      return guise == Guise::kPlain && DecodeIntegers<int16_t>(from, count, values);
    case SampleType::kInt32:
      return guise == Guise::kPlain && DecodeIntegers<int32_t>(from, count, values);
    case SampleType::kFloat32:
      return DecodeFloatChannel<float>(guise, from, count, values);
    case SampleType::kFloat64:
      return DecodeFloatChannel<double>(guise, from, count, values);
  }
  return false;
}

}  // namespace tidemark::signal
