// One channel of integers in the dense form: a common stride divided out, prediction, residuals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/endian.h"
#include "core/signal/dense_residuals.h"
#include "core/signal/predictor.h"

namespace tidemark::signal {

// A channel is
//   varint  stride s > 0, varint zigzag base b: values are b + s * m, wrapping around at 32 bits
//   u8      width of m (bit 0: 1 for 32 bits, 0 for 16), taps (bits 1-3: 0, or 1 + log2 of half of
//           them), predictors - 1 (bits 4-7)
//   with taps only:
//     u8      shift
//     u8      bits c of a coefficient, then one bit stream: the coefficients, zigzag, c bits each,
//             predictor by predictor; the choice of every span, as many bits as predictors - 1 has
//     varint  x lanes: heads, each zigzag minus the one before (at first 0)
//   residuals of m as dense_residuals.h
// See predictor.h for lanes, heads, taps and spans.
class DenseIntegers {
 public:
  // Predicts; the values are not needed afterwards.
  explicit DenseIntegers(std::span<const int32_t> values);

  // To choose the codes of a block over all its channels; this object must stay where it is.
  void AddTo(ResidualPlan& plan);
  void Append(const ResidualCodes& codes, std::string& to) const;

 private:
  template <class Int>
  struct Predicted {
    Predictors predictors;
    std::vector<Int> heads;
    Residuals<Int> residuals;
  };
  template <class Int>
  static Predicted<Int> PredictedFrom(std::vector<Int> values);
  template <class Int>
  static void AppendPredicted(const Predicted<Int>& predicted, const ResidualCodes& codes,
                              std::string& to);

  uint32_t stride_ = 1;
  uint32_t base_ = 0;
  std::variant<Predicted<int16_t>, Predicted<int32_t>> predicted_;
};

// Reads channels; keeps its working space from one to the next.
class DenseIntegersReader {
 public:
  explicit DenseIntegersReader(const ResidualTables& tables) : tables_(tables) {}

  // Reads a channel of `count` values. False on anything DenseIntegers cannot have written.
  [[nodiscard]] bool Read(ByteReader& from, size_t count);

  // Calls visit(m, base, stride) for the channel that was read, `m` a span of int16_t or int32_t.
  template <class Visitor>
  void Visit(Visitor visit) const {
    if (is_wide_) {
      visit(std::span<const int32_t>(wide_).first(count_), base_, stride_);
    } else {
      visit(std::span<const int16_t>(narrow_).first(count_), base_, stride_);
    }
  }

 private:
  template <class Int>
  [[nodiscard]] bool ReadPredicted(ByteReader& from, Predictors& predictors,
                                   std::vector<Int>& values);

  const ResidualTables& tables_;
  size_t count_ = 0;
  uint32_t stride_ = 1;
  uint32_t base_ = 0;
  bool is_wide_ = false;
  std::vector<int16_t> narrow_;
  std::vector<int32_t> wide_;
  ResidualSpace space_;
};

}  // namespace tidemark::signal
