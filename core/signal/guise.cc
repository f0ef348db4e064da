#include "core/signal/guise.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/signal/varint.h"

namespace tidemark::signal {

template <class Float>
void AppendUnmasking(const Unmasked<Float>& unmasked, std::string& to) {
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
}

template <class Float>
bool ReadUnmasking(ByteReader& from, size_t count, Unmasking<Float>& unmasking) {
  Formula& formula = unmasking.formula;
  formula.operation = from.Read<Operation>();
  formula.factor = from.Read<double>();
  const bool known =
      formula.operation == Operation::kTimes || formula.operation == Operation::kOver;
  if (!known || !std::isfinite(formula.factor) || formula.factor <= 0) return false;
  const auto run_count = ReadVarint(from, count);
  if (!run_count) return false;
  size_t end = 0;
  for (uint64_t i = 0; i < *run_count; ++i) {
    const auto gap = ReadVarint(from, count - end);
    if (!gap) return false;
    const size_t begin = end + *gap;
    const auto more = ReadVarint(from, count - begin);
    if (!more || *more == count - begin) return false;
    unmasking.exceptional.push_back({begin, *more + 1, from.Read<Float>()});
    if (!from.ok()) return false;
    end = begin + *more + 1;
  }
  return true;
}

template <class Float>
void PlaceExceptional(const std::vector<Exceptional<Float>>& runs, char* values) {
  for (const Exceptional<Float>& run : runs) {
    for (size_t i = run.begin; i < run.begin + run.count; ++i) {
      std::memcpy(values + i * sizeof(Float), &run.value, sizeof run.value);
    }
  }
}

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

void Widen(const float* narrow, size_t count, char* values) {
  for (size_t i = 0; i < count; ++i) {
    const double value = narrow[i];
    std::memcpy(values + i * sizeof(double), &value, sizeof value);
  }
}

template void AppendUnmasking(const Unmasked<float>&, std::string&);
template void AppendUnmasking(const Unmasked<double>&, std::string&);
template bool ReadUnmasking(ByteReader&, size_t, Unmasking<float>&);
template bool ReadUnmasking(ByteReader&, size_t, Unmasking<double>&);
template void PlaceExceptional(const std::vector<Exceptional<float>>&, char*);
template void PlaceExceptional(const std::vector<Exceptional<double>>&, char*);

}  // namespace tidemark::signal
