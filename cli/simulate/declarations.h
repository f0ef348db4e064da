// The streams that simulated devices declare.
#pragma once

#include "tidemark/v1/stream.pb.h"

namespace tidemark::cli {

// The physical value of a count: what drivers multiply by.
inline constexpr double kAccelerationScale = 9.80665 / 4096;             // m/s2
inline constexpr double kRotationScale = 3.14159265358979 / 180 / 16.4;  // rad/s

v1::StreamDeclaration WatchMotion(v1::Modality modality);
v1::StreamDeclaration PhoneMotion(v1::Modality modality);
v1::StreamDeclaration Ppg();
v1::StreamDeclaration HeartRate();
v1::StreamDeclaration SkinTemperature();
v1::StreamDeclaration WearState();
v1::StreamDeclaration Battery();
v1::StreamDeclaration Audio();

}  // namespace tidemark::cli
