// One channel in the dense form: whichever coder its values call for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/endian.h"
#include "core/signal/dense_integers.h"
#include "core/signal/samples.h"

namespace tidemark::signal {

// A channel is
//   u8 type (low four bits) and guise (high four bits), then
//   plain:     dense_integers.h (int16, int32), or floats.h (true floats)
//   narrow:    (float64) the float32 values that all of them are, as a channel of their own
//   disguised: guise.h, then dense_integers.h
class DenseChannel {
 public:
  // `values` holds whole values of `type`, at any alignment; they are not needed afterwards.
  DenseChannel(SampleType type, std::string_view values);

  // To choose the codes of a block over all its channels; this object must stay where it is.
  void AddTo(ResidualPlan& plan);
  void Append(const ResidualCodes& codes, std::string& to) const;

 private:
  template <class Float>
  void TakeFloats(SampleType type, std::string_view values);

  std::string head_;  // all that precedes the integers, or the whole channel
  std::optional<DenseIntegers> integers_;
};

// Writes `count` values. `integers` is working space, and has the tables. False on anything
// DenseChannel cannot have written for `type`.
[[nodiscard]] bool ReadDenseChannel(SampleType type, ByteReader& from, size_t count,
                                    DenseIntegersReader& integers, char* values);

}  // namespace tidemark::signal
