// Device time stamps of a run of samples: regular (two ends) or exact (one each). Nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tidemark::signal {

// What a device sent, unchanged: any int64 is a legal stamp, in any order.
class Stamps {
 public:
  Stamps() = default;

  // Stamp i is first + floor(i * (last - first) / (count - 1)), computed in 128 bits.
  // INVALID_ARGUMENT if count is 0, or 1 with first != last.
  static absl::StatusOr<Stamps> Regular(int64_t first_ns, int64_t last_ns, size_t count);
  static Stamps Exact(std::vector<int64_t> stamps_ns);

  size_t size() const { return count_; }
  bool is_regular() const { return regular_; }
  // Both need size() > 0.
  int64_t first_ns() const { return first_ns_; }
  int64_t last_ns() const { return last_ns_; }
  // Stamp `i` < size().
  int64_t operator[](size_t i) const;
  // All stamps, regular ones computed.
  std::vector<int64_t> ToVector() const;
  // The stamps of an exact run without a copy; empty for a regular one.
  std::span<const int64_t> exact() const { return exact_ns_; }

  friend bool operator==(const Stamps&, const Stamps&) = default;

 private:
  bool regular_ = false;
  size_t count_ = 0;
  int64_t first_ns_ = 0;
  int64_t last_ns_ = 0;
  std::vector<int64_t> exact_ns_;
};

// What admission decides from stamps (DESIGN "Time"). A stamp is plausible when it lies within
// 30 minutes of the median stamp; the others are outliers: stored and flagged, never lost.
struct StampSurvey {
  int64_t t_min_ns = 0;  // of the plausible stamps
  int64_t t_max_ns = 0;
  size_t outliers = 0;
  bool has_backward_step = false;  // a stamp smaller than the one before it
  bool has_repeat = false;         // a stamp equal to the one before it
};
inline constexpr int64_t kPlausibleHalfSpanNs = 30LL * 60 * 1'000'000'000;
StampSurvey SurveyStamps(const Stamps& stamps);

// Lossless coding: regular stamps take a few bytes; exact ones are delta coded against their
// typical period, in blocks, with the finest common tick (1 ms, 1 us, ...) divided out.
std::string EncodeStamps(const Stamps& stamps);
// Consumes one coded run from the front of `bytes`. DATA_LOSS on anything EncodeStamps cannot have
// written, or more than `count_max` stamps.
absl::StatusOr<Stamps> DecodeStamps(std::string_view& bytes, size_t count_max);

}  // namespace tidemark::signal
