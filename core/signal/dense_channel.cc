#include "core/signal/dense_channel.h"

#include <cstring>
#include <type_traits>
#include <vector>

#include "core/signal/disguise.h"
#include "core/signal/floats.h"
#include "core/signal/guise.h"

namespace tidemark::signal {
namespace {

char HeadOf(SampleType type, Guise guise) {
  return static_cast<char>(static_cast<int>(type) | static_cast<int>(guise) << 4);
}

template <class Int>
std::vector<int32_t> IntegersOf(std::string_view values) {
  std::vector<int32_t> integers(values.size() / sizeof(Int));
  for (size_t i = 0; i < integers.size(); ++i) {
    integers[i] = LoadLe<Int>(values.data() + i * sizeof(Int));
  }
  return integers;
}

// Calls store(i, value) for all integers that were read.
template <class Store>
void ForEachInteger(const DenseIntegersReader& integers, Store store) {
  integers.Visit([&store](auto values, uint32_t base, uint32_t stride) {
    for (size_t i = 0; i < values.size(); ++i) {
      const auto m = static_cast<uint32_t>(int32_t{values[i]});
      store(i, static_cast<int32_t>(base + stride * m));
    }
  });
}

template <class Int>
void StoreIntegers(const DenseIntegersReader& integers, char* values) {
  ForEachInteger(integers, [values](size_t i, int32_t integer) {
    const auto value = static_cast<Int>(integer);
    std::memcpy(values + i * sizeof(Int), &value, sizeof value);
  });
}

// The operation is told apart outside of the loop, so that the loop is vectorised.
template <class Float, Operation kOperation>
void StoreFormula(double factor, const DenseIntegersReader& integers, char* values) {
  const Formula formula{kOperation, factor};
  ForEachInteger(integers, [formula, values](size_t i, int32_t integer) {
    const Float value = formula.template Apply<Float>(integer);
    std::memcpy(values + i * sizeof(Float), &value, sizeof value);
  });
}

template <class Float>
[[nodiscard]] bool ReadDisguised(ByteReader& from, size_t count, DenseIntegersReader& integers,
                                 char* values) {
  Unmasking<Float> unmasking;
  if (!ReadUnmasking(from, count, unmasking) || !integers.Read(from, count)) return false;
  if (unmasking.formula.operation == Operation::kTimes) {
    StoreFormula<Float, Operation::kTimes>(unmasking.formula.factor, integers, values);
  } else {
    StoreFormula<Float, Operation::kOver>(unmasking.formula.factor, integers, values);
  }
  PlaceExceptional(unmasking.exceptional, values);
  return true;
}

template <class Float>
[[nodiscard]] bool ReadFloatChannel(Guise guise, ByteReader& from, size_t count,
                                    DenseIntegersReader& integers, char* values) {
  switch (guise) {
    case Guise::kPlain:
      return DecodeFloats<Float>(from, count, values);
    case Guise::kDisguised:
      return ReadDisguised<Float>(from, count, integers, values);
    case Guise::kNarrow:
      if constexpr (sizeof(Float) == sizeof(double)) {
        std::vector<float> narrow(count);
        auto* bytes = reinterpret_cast<char*>(narrow.data());
        if (!ReadDenseChannel(SampleType::kFloat32, from, count, integers, bytes)) return false;
        Widen(narrow.data(), count, values);
        return true;
      }
      return false;
  }
  return false;
}

}  // namespace

DenseChannel::DenseChannel(SampleType type, std::string_view values) {
  switch (type) {
    case SampleType::kInt16:
      head_.push_back(HeadOf(type, Guise::kPlain));
      integers_.emplace(IntegersOf<int16_t>(values));
      return;
    case SampleType::kInt32:
      head_.push_back(HeadOf(type, Guise::kPlain));
      integers_.emplace(IntegersOf<int32_t>(values));
      return;
    case SampleType::kFloat32:
      TakeFloats<float>(type, values);
      return;
    case SampleType::kFloat64:
      TakeFloats<double>(type, values);
      return;
  }
}

template <class Float>
void DenseChannel::TakeFloats(SampleType type, std::string_view values) {
  const size_t count = values.size() / sizeof(Float);
  if (const auto unmasked = Unmask<Float>(values.data(), count)) {
    std::string unmasking;
    AppendUnmasking(*unmasked, unmasking);
    // Exceptions that are dearer than the values are none.
    if (unmasking.size() < values.size()) {
      head_.push_back(HeadOf(type, Guise::kDisguised));
      head_ += unmasking;
      integers_.emplace(unmasked->integers);
      return;
    }
  }
  if constexpr (sizeof(Float) == sizeof(double)) {
    if (const auto narrow = Narrowed(values); narrow && count > 0) {
      head_.push_back(HeadOf(type, Guise::kNarrow));
      return TakeFloats<float>(SampleType::kFloat32, *narrow);
    }
  }
  head_.push_back(HeadOf(type, Guise::kPlain));
  EncodeFloats<Float>(values.data(), count, Effort::kDense, head_);
}

void DenseChannel::AddTo(ResidualPlan& plan) {
  if (integers_) integers_->AddTo(plan);
}

void DenseChannel::Append(const ResidualCodes& codes, std::string& to) const {
  to += head_;
  if (integers_) integers_->Append(codes, to);
}

bool ReadDenseChannel(SampleType type, ByteReader& from, size_t count,
                      DenseIntegersReader& integers, char* values) {
  const uint8_t head = from.Read<uint8_t>();
  const auto guise = static_cast<Guise>(head >> 4);
  if (!from.ok() || (head & 0xF) != static_cast<int>(type)) return false;
  switch (type) {
    case SampleType::kInt16:
      if (guise != Guise::kPlain || !integers.Read(from, count)) return false;
      StoreIntegers<int16_t>(integers, values);
      return true;
    case SampleType::kInt32:
      if (guise != Guise::kPlain || !integers.Read(from, count)) return false;
      StoreIntegers<int32_t>(integers, values);
      return true;
    case SampleType::kFloat32:
      return ReadFloatChannel<float>(guise, from, count, integers, values);
    case SampleType::kFloat64:
      return ReadFloatChannel<double>(guise, from, count, integers, values);
  }
  return false;
}

}  // namespace tidemark::signal
