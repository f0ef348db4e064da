// The stored form of stamps:
//   u8      form: empty, regular or exact
//   varint  count (not for empty)
//   regular: varint zigzag first, varint zigzag (last - first, modulo 2^64)
//   exact:   u8 e: all stamps are phase + 10^e * tick, 0 <= phase < 10^e
//            varint phase, varint zigzag first tick, varint zigzag typical step
//            Rice coded zigzag of (step - typical step), modulo 2^64, for stamps 1 ... count-1
#include <algorithm>
#include <span>

#include "core/signal/rice.h"
#include "core/signal/stamp_ticks.h"
#include "core/signal/stamps.h"
#include "core/signal/varint.h"

namespace tidemark::signal {
namespace {

enum class Form : uint8_t { kEmpty = 0, kRegular = 1, kExact = 2 };  // stored, never renumbered

uint64_t Difference(int64_t from, int64_t to) {
  return static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
}

int64_t FloorRemainder(int64_t value, int64_t tick_ns) {
  const int64_t remainder = value % tick_ns;
  return remainder < 0 ? remainder + tick_ns : remainder;
}

void EncodeExact(std::vector<int64_t> stamps, std::string& to) {
  const TickScale scale = TickScaleOf(stamps);
  for (int64_t& stamp : stamps) stamp = scale.TickOf(stamp);
  const std::span<const int64_t> ticks = stamps;
  to.push_back(static_cast<char>(scale.exponent));
  AppendVarint(to, static_cast<uint64_t>(scale.phase_ns));
  AppendVarint(to, ZigZag(ticks.front()));
  if (ticks.size() == 1) return;
  const int64_t typical = MedianStep(ticks);
  AppendVarint(to, ZigZag(typical));
  std::vector<uint64_t> residuals(ticks.size() - 1);
  for (size_t i = 0; i < residuals.size(); ++i) {
    const uint64_t residual = Difference(ticks[i], ticks[i + 1]) - static_cast<uint64_t>(typical);
    residuals[i] = ZigZag(static_cast<int64_t>(residual));
  }
  BitWriter bits(to);
  RiceEncode(std::span<const uint64_t>(residuals), bits);
  bits.Finish();
}

[[nodiscard]] bool DecodeExact(ByteReader& from, std::vector<int64_t>& stamps) {
  TickScale scale;
  scale.exponent = from.Read<uint8_t>();
  if (scale.exponent > kTickExponentMax) return false;
  const auto phase = ReadVarint(from, static_cast<uint64_t>(scale.tick_ns()) - 1);
  const auto first = ReadVarint(from);
  if (!phase || !first) return false;
  scale.phase_ns = static_cast<int64_t>(*phase);
  int64_t tick = UnZigZag(*first);
  if (!scale.Place(tick, stamps.front())) return false;
  if (stamps.size() == 1) return true;

  const auto typical = ReadVarint(from);
  if (!typical) return false;
  std::vector<uint64_t> residuals(stamps.size() - 1);
  BitReader bits(from.rest());
  if (!RiceDecode(bits, std::span<uint64_t>(residuals))) return false;
  from.ReadBytes(bits.Finish());
  if (!bits.ok()) return false;
  const auto typical_step = static_cast<uint64_t>(UnZigZag(*typical));
  for (size_t i = 0; i < residuals.size(); ++i) {
    const uint64_t step = static_cast<uint64_t>(UnZigZag(residuals[i])) + typical_step;
    tick = static_cast<int64_t>(static_cast<uint64_t>(tick) + step);
    if (!scale.Place(tick, stamps[i + 1])) return false;
  }
  return true;
}

absl::Status Damaged() { return absl::DataLossError("stored time stamps are damaged"); }

absl::StatusOr<Stamps> DecodeRegular(ByteReader& from, size_t count) {
  const auto first = ReadVarint(from);
  const auto span = ReadVarint(from);
  if (!first || !span) return Damaged();
  const int64_t first_ns = UnZigZag(*first);
  const auto last_ns = static_cast<int64_t>(static_cast<uint64_t>(first_ns) +
                                            static_cast<uint64_t>(UnZigZag(*span)));
  auto stamps = Stamps::Regular(first_ns, last_ns, count);
  if (!stamps.ok()) return Damaged();
  return stamps;
}

absl::StatusOr<Stamps> DecodeForm(ByteReader& from, size_t count_max) {
  const auto form = static_cast<Form>(from.Read<uint8_t>());
  if (!from.ok()) return Damaged();
  if (form == Form::kEmpty) return Stamps();
  if (form != Form::kRegular && form != Form::kExact) return Damaged();
  const auto count = ReadVarint(from, count_max);
  if (!count || *count == 0) return Damaged();
  if (form == Form::kRegular) return DecodeRegular(from, *count);
  // Every exact stamp but the first takes at least one bit: a count that the bytes cannot hold is
  // refused before memory is taken for it.
  if (*count - 1 > 8 * from.rest().size()) return Damaged();
  std::vector<int64_t> stamps(*count);
  if (!DecodeExact(from, stamps)) return Damaged();
  return Stamps::Exact(std::move(stamps));
}

}  // namespace

TickScale TickScaleOf(std::span<const int64_t> stamps) {
  size_t exponent = kTickExponentMax;
  int64_t phase = FloorRemainder(stamps.front(), kTickNs[exponent]);
  for (const int64_t stamp : stamps) {
    while (FloorRemainder(stamp, kTickNs[exponent]) != phase) phase %= kTickNs[--exponent];
    if (exponent == 0) break;
  }
  return {exponent, phase};
}

int64_t MedianStep(std::span<const int64_t> ticks) {
  if (ticks.size() < 2) return 0;
  std::vector<int64_t> steps(ticks.size() - 1);
  for (size_t i = 0; i < steps.size(); ++i) {
    steps[i] = static_cast<int64_t>(Difference(ticks[i], ticks[i + 1]));
  }
  const auto middle = steps.begin() + static_cast<ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

std::string EncodeStamps(const Stamps& stamps) {
  std::string to;
  if (stamps.size() == 0) {
    to.push_back(static_cast<char>(Form::kEmpty));
    return to;
  }
  to.push_back(static_cast<char>(stamps.is_regular() ? Form::kRegular : Form::kExact));
  AppendVarint(to, stamps.size());
  if (stamps.is_regular()) {
    AppendVarint(to, ZigZag(stamps.first_ns()));
    const uint64_t span = Difference(stamps.first_ns(), stamps.last_ns());
    AppendVarint(to, ZigZag(static_cast<int64_t>(span)));
  } else {
    EncodeExact(stamps.ToVector(), to);
  }
  return to;
}

absl::StatusOr<Stamps> DecodeStamps(std::string_view& bytes, size_t count_max) {
  ByteReader from(bytes);
  absl::StatusOr<Stamps> stamps = DecodeForm(from, count_max);
  if (stamps.ok()) bytes = from.rest();
  return stamps;
}

}  // namespace tidemark::signal
