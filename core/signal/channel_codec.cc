#include "core/signal/channel_codec.h"

#include <cstring>
#include <vector>

#include "core/signal/disguise.h"
#include "core/signal/floats.h"
#include "core/signal/guise.h"
#include "core/signal/integers.h"

// A channel is
//   u8 type (low four bits) and guise (high four bits), then
//   plain:     integers.h or floats.h, as the type says
//   narrow:    (float64) the float32 values that all of them are, as a channel of their own
//   disguised: guise.h, then integers.h (32 bit)
namespace tidemark::signal {
namespace {

void AppendHead(SampleType type, Guise guise, std::string& to) {
  to.push_back(static_cast<char>(static_cast<int>(type) | static_cast<int>(guise) << 4));
}

template <class Float>
void EncodeFloatChannel(SampleType type, std::string_view values, Effort effort, std::string& to) {
  const size_t count = values.size() / sizeof(Float);
  const size_t begin = to.size();
  if (const auto unmasked = Unmask<Float>(values.data(), count)) {
    AppendHead(type, Guise::kDisguised, to);
    AppendUnmasking(*unmasked, to);
    EncodeIntegers<int32_t>(reinterpret_cast<const char*>(unmasked->integers.data()), count, effort,
                            to);
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
[[nodiscard]] bool DecodeDisguised(ByteReader& from, size_t count, char* values) {
  Unmasking<Float> unmasking;
  if (!ReadUnmasking(from, count, unmasking)) return false;
  std::vector<int32_t> integers(count);
  if (!DecodeIntegers<int32_t>(from, count, reinterpret_cast<char*>(integers.data()))) return false;
  for (size_t i = 0; i < count; ++i) {
    const Float value = unmasking.formula.template Apply<Float>(integers[i]);
    std::memcpy(values + i * sizeof(Float), &value, sizeof value);
  }
  PlaceExceptional(unmasking.exceptional, values);
  return true;
}

[[nodiscard]] bool DecodeNarrow(ByteReader& from, size_t count, char* values) {
  std::vector<float> narrow(count);
  if (!DecodeChannel(SampleType::kFloat32, from, count, reinterpret_cast<char*>(narrow.data()))) {
    return false;
  }
  Widen(narrow.data(), count, values);
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
