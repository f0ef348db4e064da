#include "base/ids.h"

#include "base/crypto.h"

namespace tidemark {
namespace {

constexpr char kIdDigits[] = "0123456789abcdef";

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void SetVersion(Uuid& uuid, uint8_t version) {
  uuid.bytes[6] = static_cast<uint8_t>((uuid.bytes[6] & 0x0F) | (version << 4));
  uuid.bytes[8] = static_cast<uint8_t>((uuid.bytes[8] & 0x3F) | 0x80);
}

}  // namespace

Uuid Uuid::MakeV7(absl::Time now) {
  Uuid uuid = MakeRandom();
  const auto t_ms = static_cast<uint64_t>(absl::ToUnixMillis(now));
  for (size_t i = 0; i < 6; ++i) uuid.bytes[i] = static_cast<uint8_t>(t_ms >> (40 - 8 * i));
  SetVersion(uuid, 7);
  return uuid;
}

Uuid Uuid::MakeRandom() {
  Uuid uuid;
  FillRandom(uuid.bytes);
  SetVersion(uuid, 4);
  return uuid;
}

absl::StatusOr<Uuid> Uuid::FromBytes(std::string_view raw) {
  if (raw.size() != 16) return absl::InvalidArgumentError("an id has 16 bytes");
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), raw.data(), 16);
  return uuid;
}

absl::StatusOr<Uuid> Uuid::Parse(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  const auto malformed =
      absl::InvalidArgumentError("an id is written as 8-4-4-4-12 hexadecimal digits");
  if (text.size() != kShape.size()) return malformed;
  Uuid uuid;
  size_t nibble = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (kShape[i] == '-') {
      if (text[i] != '-') return malformed;
      continue;
    }
    const int value = HexValue(text[i]);
    if (value < 0) return malformed;
    uint8_t& byte = uuid.bytes[nibble / 2];
    byte = static_cast<uint8_t>(nibble % 2 == 0 ? value << 4 : byte | value);
    ++nibble;
  }
  return uuid;
}

std::string Uuid::ToString() const {
  std::string text;
  text.reserve(36);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kIdDigits[bytes[i] >> 4];
    text += kIdDigits[bytes[i] & 0x0F];
  }
  return text;
}

}  // namespace tidemark
