// Axis frames: from what a device declares to one canonical frame.
//
// Canonical: the device's own body frame, right-handed, x to the right edge of the screen, y to its
// upper edge, z out of the screen; acceleration includes gravity with the sign that an axis reads
// +1 g at rest when it points up; m/s2, rad/s, uT; quaternions (w, x, y, z), unit norm, rotating
// body vectors into a reference frame with z up.
#pragma once

#include <array>

namespace tidemark::signal {

using Vec3 = std::array<double, 3>;

// What an axis reads at rest when it points up.
enum class RestSign { kPlusG, kMinusG };
enum class AccelerationUnit { kMetrePerSecond2, kG, kG64th };  // kG64th: 1/64 g integers
enum class QuaternionOrder { kWxyz, kXyzw };

// Standard gravity, exact by definition (CGPM 1901).
inline constexpr double kStandardGravity = 9.80665;

Vec3 CanonicalAcceleration(const Vec3& value, AccelerationUnit unit, RestSign sign);
// Rotates axes by a signed permutation: out[i] = sign[i] * in[source[i]].
struct AxisMap {
  std::array<int, 3> source{0, 1, 2};
  std::array<int, 3> sign{1, 1, 1};
};
Vec3 MapAxes(const Vec3& value, const AxisMap& map);
// True when the map is a proper rotation (determinant +1), so that handedness is kept.
bool IsProperRotation(const AxisMap& map);
// (w, x, y, z), scaled to unit norm; {1, 0, 0, 0} for a null quaternion is never made up: NaNs.
std::array<double, 4> CanonicalQuaternion(const std::array<double, 4>& value,
                                          QuaternionOrder order);
// A vector in the body frame rotated into the reference frame of `wxyz`.
Vec3 Rotate(const std::array<double, 4>& wxyz, const Vec3& value);

}  // namespace tidemark::signal
