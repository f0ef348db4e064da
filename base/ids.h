// 16-byte ids: UUIDv7 for what the server names, random bytes for what a device names.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tidemark {

// Sixteen opaque bytes; as text the canonical 8-4-4-4-12 lower-case form.
struct Uuid {
  std::array<uint8_t, 16> bytes{};

  // A UUIDv7 of the instant `now`: ids made later sort later, to the millisecond.
  static Uuid MakeV7(absl::Time now);
  static Uuid MakeV7() { return MakeV7(absl::Now()); }
  // Random bytes with version and variant of a UUIDv4.
  static Uuid MakeRandom();
  // INVALID_ARGUMENT unless `raw` has 16 bytes.
  static absl::StatusOr<Uuid> FromBytes(std::string_view raw);
  // INVALID_ARGUMENT unless `text` is the canonical form (upper case is accepted).
  static absl::StatusOr<Uuid> Parse(std::string_view text);

  std::string ToString() const;
  std::string_view AsBytes() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  bool IsZero() const { return *this == Uuid{}; }

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

// An id of one kind of thing: ids of different kinds do not convert into each other.
template <class Tag>
struct Id {
  Uuid uuid;

  static Id MakeV7() { return Id{Uuid::MakeV7()}; }
  static Id MakeRandom() { return Id{Uuid::MakeRandom()}; }
  static absl::StatusOr<Id> FromBytes(std::string_view raw) {
    auto uuid = Uuid::FromBytes(raw);
    if (!uuid.ok()) return uuid.status();
    return Id{*uuid};
  }
  static absl::StatusOr<Id> Parse(std::string_view text) {
    auto uuid = Uuid::Parse(text);
    if (!uuid.ok()) return uuid.status();
    return Id{*uuid};
  }
  std::string ToString() const { return uuid.ToString(); }
  std::string_view AsBytes() const { return uuid.AsBytes(); }
  bool IsZero() const { return uuid.IsZero(); }

  friend auto operator<=>(const Id&, const Id&) = default;
};

using StudyId = Id<struct StudyTag>;
using ParticipantId = Id<struct ParticipantTag>;
using DeviceId = Id<struct DeviceTag>;
using StreamId = Id<struct StreamTag>;
using WriterId = Id<struct WriterTag>;
using BootId = Id<struct BootTag>;
using SegmentId = Id<struct SegmentTag>;
using QuarantineId = Id<struct QuarantineTag>;
using PrincipalId = Id<struct PrincipalTag>;

}  // namespace tidemark

template <>
struct std::hash<tidemark::Uuid> {
  size_t operator()(const tidemark::Uuid& uuid) const noexcept {
    uint64_t low, high;
    std::memcpy(&low, uuid.bytes.data(), 8);
    std::memcpy(&high, uuid.bytes.data() + 8, 8);
    // The low half of a UUIDv7 is mostly time; the random half spreads the buckets.
    return static_cast<size_t>(high * 0x9E3779B97F4A7C15ull ^ low);
  }
};

template <class Tag>
struct std::hash<tidemark::Id<Tag>> {
  size_t operator()(const tidemark::Id<Tag>& id) const noexcept {
    return std::hash<tidemark::Uuid>{}(id.uuid);
  }
};
