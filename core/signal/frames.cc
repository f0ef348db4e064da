#include "core/signal/frames.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace tidemark::signal {
namespace {

double MetrePerSecond2In(AccelerationUnit unit) {
  switch (unit) {
    case AccelerationUnit::kMetrePerSecond2:
      return 1;
    case AccelerationUnit::kG:
      return kStandardGravity;
    case AccelerationUnit::kG64th:
      return kStandardGravity / 64;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

Vec3 Cross(const Vec3& a, const Vec3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

}  // namespace

Vec3 CanonicalAcceleration(const Vec3& value, AccelerationUnit unit, RestSign sign) {
  const double scale = MetrePerSecond2In(unit) * (sign == RestSign::kPlusG ? 1 : -1);
  return {value[0] * scale, value[1] * scale, value[2] * scale};
}

Vec3 MapAxes(const Vec3& value, const AxisMap& map) {
  Vec3 mapped;
  for (size_t i = 0; i < 3; ++i) {
    mapped[i] = map.sign[i] * value[static_cast<size_t>(map.source[i])];
  }
  return mapped;
}

bool IsProperRotation(const AxisMap& map) {
  int determinant = 1;
  for (size_t i = 0; i < 3; ++i) {
    if (map.source[i] < 0 || map.source[i] > 2) return false;
    if (map.sign[i] != 1 && map.sign[i] != -1) return false;
    determinant *= map.sign[i];
    // Each pair out of order is one exchange of two axes, which turns handedness around.
    for (size_t j = 0; j < i; ++j) {
      if (map.source[j] == map.source[i]) return false;
      if (map.source[j] > map.source[i]) determinant = -determinant;
    }
  }
  return determinant == 1;
}

std::array<double, 4> CanonicalQuaternion(const std::array<double, 4>& value,
                                          QuaternionOrder order) {
  std::array<double, 4> wxyz = value;
  if (order == QuaternionOrder::kXyzw) wxyz = {value[3], value[0], value[1], value[2]};
  // Divided by the largest part first, so that squares neither overflow nor vanish.
  double largest = 0;
  for (const double part : wxyz) largest = std::max(largest, std::abs(part));
  for (double& part : wxyz) part /= largest;
  double square = 0;
  for (const double part : wxyz) square += part * part;
  const double norm = std::sqrt(square);
  for (double& part : wxyz) part /= norm;
  return wxyz;
}

Vec3 Rotate(const std::array<double, 4>& wxyz, const Vec3& value) {
  const Vec3 axis{wxyz[1], wxyz[2], wxyz[3]};
  Vec3 twice = Cross(axis, value);
  for (double& part : twice) part *= 2;
  const Vec3 turned = Cross(axis, twice);
  return {value[0] + wxyz[0] * twice[0] + turned[0], value[1] + wxyz[0] * twice[1] + turned[1],
          value[2] + wxyz[0] * twice[2] + turned[2]};
}

}  // namespace tidemark::signal
