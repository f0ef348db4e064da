// Random numbers that are the same on every machine: nothing of <random>'s distributions, whose
// results the standard leaves open.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tidemark::cli {

// xoshiro256** (D. Blackman, S. Vigna). Copies continue on their own.
class Random {
 public:
  // A stream of its own for each purpose and participant.
  Random(uint64_t seed, int participant, std::string_view purpose);

  uint64_t Next();
  // In [0, 1).
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  double Between(double low, double high) { return low + (high - low) * Unit(); }
  bool Chance(double probability) { return Unit() < probability; }
  // In [0, count).
  uint64_t Below(uint64_t count) {
    return static_cast<uint64_t>(Unit() * static_cast<double>(count));
  }
  double Exponential(double mean);
  double Normal();

 private:
  std::array<uint64_t, 4> state_{};
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace tidemark::cli
