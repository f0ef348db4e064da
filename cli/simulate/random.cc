#include "cli/simulate/random.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace tidemark::cli {
namespace {

uint64_t SplitMix(uint64_t& state) {
  state += 0x9E3779B97F4A7C15ull;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(uint64_t seed, int participant, std::string_view purpose) {
  uint64_t mix = seed;
  mix = SplitMix(mix) ^ static_cast<uint64_t>(participant);
  for (const char c : purpose) mix = SplitMix(mix) ^ static_cast<uint8_t>(c);
  for (uint64_t& word : state_) word = SplitMix(mix);
}

uint64_t Random::Next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Random::Exponential(double mean) { return -mean * std::log1p(-Unit()); }

// Box and Muller, both halves used.
double Random::Normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2 * std::log1p(-Unit()));
  const double angle = 2 * std::numbers::pi * Unit();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

}  // namespace tidemark::cli
