#include "cli/simulate/declarations.h"

#include <string_view>

#include "cli/import/recorder.h"
#include "cli/simulate/sound.h"

namespace tidemark::cli {
namespace {

void SetRate(v1::StreamDeclaration& declaration, uint32_t numerator, uint32_t denominator) {
  declaration.mutable_nominal_rate()->set_numerator(numerator);
  declaration.mutable_nominal_rate()->set_denominator(denominator);
}

void SetWrist(v1::StreamDeclaration& declaration) {
  declaration.mutable_placement()->set_body_site("wrist");
  declaration.mutable_placement()->set_side("left");
  declaration.mutable_placement()->set_crown_side("right");
}

v1::StreamDeclaration Single(v1::Modality modality, std::string_view name, std::string_view unit,
                             v1::ChannelType type) {
  v1::StreamDeclaration declaration;
  declaration.set_modality(modality);
  *declaration.add_channels() = MakeChannel(name, unit, type);
  return declaration;
}

v1::StreamDeclaration Motion(v1::Modality modality, v1::ChannelType type, bool scaled) {
  const bool acceleration = modality == v1::MODALITY_ACCELERATION;
  const double scale = acceleration ? kAccelerationScale : kRotationScale;
  auto declaration =
      MotionDeclaration(modality, acceleration ? "m/s2" : "rad/s", type, scaled ? scale : 1);
  declaration.mutable_frame()->set_axes("+x +y +z");
  if (acceleration) declaration.mutable_frame()->set_rest_sign(v1::REST_SIGN_PLUS_G);
  SetRate(declaration, 100, 1);
  return declaration;
}

}  // namespace

v1::StreamDeclaration WatchMotion(v1::Modality modality) {
  auto declaration = Motion(modality, v1::CHANNEL_TYPE_INT16, true);
  SetWrist(declaration);
  return declaration;
}

v1::StreamDeclaration PhoneMotion(v1::Modality modality) {
  auto declaration = Motion(modality, v1::CHANNEL_TYPE_FLOAT32, false);
  declaration.mutable_placement()->set_body_site("pocket");
  declaration.mutable_placement()->set_side("right");
  declaration.set_stamped(true);
  return declaration;
}

v1::StreamDeclaration Ppg() {
  auto declaration = Single(v1::MODALITY_PPG, "green", "1", v1::CHANNEL_TYPE_INT32);
  SetRate(declaration, 64, 1);
  SetWrist(declaration);
  return declaration;
}

v1::StreamDeclaration HeartRate() {
  auto declaration = Single(v1::MODALITY_HEART_RATE, "hr", "/min", v1::CHANNEL_TYPE_FLOAT32);
  SetRate(declaration, 1, 1);
  SetWrist(declaration);
  declaration.set_stamped(true);
  return declaration;
}

v1::StreamDeclaration SkinTemperature() {
  auto declaration = Single(v1::MODALITY_SKIN_TEMPERATURE, "temp", "Cel", v1::CHANNEL_TYPE_FLOAT32);
  SetRate(declaration, 1, 4);
  SetWrist(declaration);
  declaration.set_stamped(true);
  return declaration;
}

v1::StreamDeclaration WearState() {
  auto declaration = Single(v1::MODALITY_WEAR_STATE, "worn", "1", v1::CHANNEL_TYPE_INT16);
  SetWrist(declaration);
  declaration.set_stamped(true);
  return declaration;
}

v1::StreamDeclaration Battery() {
  auto declaration = Single(v1::MODALITY_BATTERY, "charge", "%", v1::CHANNEL_TYPE_INT16);
  SetRate(declaration, 1, 60);
  declaration.set_stamped(true);
  return declaration;
}

v1::StreamDeclaration Audio() {
  auto declaration = Single(v1::MODALITY_AUDIO, "mono", "1", v1::CHANNEL_TYPE_INT16);
  declaration.mutable_channels(0)->set_scale(1.0 / 32768);
  SetRate(declaration, kSoundRateHz, 1);
  return declaration;
}

}  // namespace tidemark::cli
