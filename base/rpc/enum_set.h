// Small sets of enum values that are stored as bits.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "tidemark/v1/authz.pb.h"

namespace tidemark::rpc {

// Values 1 to 31; value v is bit 1 << (v - 1).
template <class Enum>
class EnumSet {
 public:
  constexpr EnumSet() = default;
  constexpr EnumSet(std::initializer_list<Enum> values) {
    for (const Enum value : values) Add(value);
  }
  static constexpr EnumSet FromBits(uint32_t bits) {
    EnumSet set;
    set.bits_ = bits;
    return set;
  }
  // Of a repeated field.
  template <class Range>
  static EnumSet Of(const Range& values) {
    EnumSet set;
    for (const auto value : values) set.Add(static_cast<Enum>(value));
    return set;
  }

  // Anything but 1 to 31 is left out.
  constexpr void Add(Enum value) { bits_ |= BitOf(value); }
  constexpr void Add(EnumSet other) { bits_ |= other.bits_; }
  constexpr bool Contains(Enum value) const { return (bits_ & BitOf(value)) != 0; }
  constexpr bool Contains(EnumSet other) const { return (other.bits_ & ~bits_) == 0; }
  constexpr bool Intersects(EnumSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr EnumSet Without(EnumSet other) const { return FromBits(bits_ & ~other.bits_); }
  constexpr bool IsEmpty() const { return bits_ == 0; }
  constexpr uint32_t bits() const { return bits_; }

  // In ascending order.
  template <class Visit>
  void ForEach(Visit&& visit) const {
    for (int value = 1; value <= 31; ++value) {
      if (Contains(static_cast<Enum>(value))) visit(static_cast<Enum>(value));
    }
  }

  friend constexpr bool operator==(EnumSet, EnumSet) = default;

 private:
  static constexpr uint32_t BitOf(Enum value) {
    const int number = static_cast<int>(value);
    return number >= 1 && number <= 31 ? uint32_t{1} << (number - 1) : 0;
  }
  uint32_t bits_ = 0;
};

using RoleSet = EnumSet<v1::Role>;
using DataKindSet = EnumSet<v1::DataKind>;

// Roles that a person can have, and those of programs.
inline constexpr RoleSet kStaffRoles{v1::ROLE_LABELER, v1::ROLE_RESEARCHER, v1::ROLE_MANAGER,
                                     v1::ROLE_ADMIN, v1::ROLE_AUDITOR};
inline constexpr RoleSet kServiceRoles{v1::ROLE_TRAINER, v1::ROLE_DETECTOR};

// Kinds of data that are granted by name only, and every read of which is audited.
inline constexpr DataKindSet kSensitiveKinds{v1::DATA_KIND_AUDIO, v1::DATA_KIND_VIDEO,
                                             v1::DATA_KIND_LOCATION};
inline constexpr DataKindSet kOrdinaryKinds{v1::DATA_KIND_MOTION, v1::DATA_KIND_PHYSIOLOGY,
                                            v1::DATA_KIND_DEVICE, v1::DATA_KIND_OTHER};
inline constexpr DataKindSet kAllKinds =
    DataKindSet::FromBits(kSensitiveKinds.bits() | kOrdinaryKinds.bits());

}  // namespace tidemark::rpc
