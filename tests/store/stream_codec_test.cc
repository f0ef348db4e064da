#include "store/stream_codec.h"

#include <limits>

#include "store/stream_catalog.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using absl::StatusCode;
using support::IsOk;
using support::StatusIs;
using testing::StartsWith;

v1::StreamDeclaration Sampled(v1::Modality modality, int channels) {
  v1::StreamDeclaration declaration;
  declaration.set_modality(modality);
  for (int i = 0; i < channels; ++i) {
    v1::Channel& channel = *declaration.add_channels();
    channel.set_name("c" + std::to_string(i));
    channel.set_unit("m/s2");
    channel.set_type(v1::CHANNEL_TYPE_INT16);
  }
  declaration.mutable_nominal_rate()->set_numerator(100);
  declaration.mutable_nominal_rate()->set_denominator(1);
  return declaration;
}

v1::StreamDeclaration Acceleration() {
  v1::StreamDeclaration declaration = Sampled(v1::MODALITY_ACCELERATION, 3);
  declaration.mutable_frame()->set_axes("-y +x +z");
  declaration.mutable_frame()->set_rest_sign(v1::REST_SIGN_PLUS_G);
  declaration.mutable_placement()->set_body_site("wrist");
  declaration.mutable_placement()->set_side("left");
  declaration.mutable_placement()->set_crown_side("right");
  return declaration;
}

v1::StreamDeclaration Video() {
  v1::StreamDeclaration declaration;
  declaration.set_modality(v1::MODALITY_ENCODED_VIDEO);
  declaration.set_media_type("video/hevc");
  return declaration;
}

v1::StreamDeclaration Records() {
  v1::StreamDeclaration declaration;
  declaration.set_modality(v1::MODALITY_RECORDS);
  return declaration;
}

TEST(StreamCodec, EveryModalityCanBeDeclared) {
  for (int number = v1::MODALITY_ACCELERATION; number <= v1::Modality_MAX; ++number) {
    const auto modality = static_cast<v1::Modality>(number);
    v1::StreamDeclaration declaration;
    switch (KindOf(modality)) {
      case PayloadKind::kSamples:
        declaration = Sampled(modality, modality == v1::MODALITY_ATTITUDE ? 4 : 3);
        break;
      case PayloadKind::kEncoded:
        declaration.set_media_type("audio/aac");
        break;
      case PayloadKind::kRecords:
        break;
    }
    declaration.set_modality(modality);
    declaration.set_stamped(modality == v1::MODALITY_INTER_BEAT_INTERVAL);
    EXPECT_THAT(ValidateDeclaration(declaration), IsOk()) << v1::Modality_Name(modality);
  }
}

struct Rule {
  const char* field;  // what the message begins with
  v1::StreamDeclaration (*start)();
  void (*break_it)(v1::StreamDeclaration&);
};

const Rule kRules[] = {
    {"modality:", Acceleration, [](auto& d) { d.set_modality(v1::MODALITY_UNSPECIFIED); }},
    {"modality:", Acceleration, [](auto& d) { d.set_modality(static_cast<v1::Modality>(999)); }},
    {"declaration:", Acceleration,
     [](auto& d) { d.GetReflection()->MutableUnknownFields(&d)->AddVarint(900, 1); }},
    {"declaration:", Acceleration,
     [](auto& d) {
       v1::Channel& channel = *d.mutable_channels(1);
       channel.GetReflection()->MutableUnknownFields(&channel)->AddVarint(900, 1);
     }},
    {"channels:", Acceleration, [](auto& d) { d.clear_channels(); }},
    {"channels:", Acceleration, [](auto& d) { d.mutable_channels()->RemoveLast(); }},
    {"channels:", [] { return Sampled(v1::MODALITY_ATTITUDE, 4); },
     [](auto& d) { d.mutable_channels()->RemoveLast(); }},
    {"channels:", [] { return Sampled(v1::MODALITY_OTHER, 64); },
     [](auto& d) { *d.add_channels() = d.channels(0); }},
    {"channels:", Video, [](auto& d) { d.add_channels(); }},
    {"channels:", Records, [](auto& d) { d.add_channels(); }},
    {"channels[1].name:", Acceleration, [](auto& d) { d.mutable_channels(1)->set_name(""); }},
    {"channels[1].name:", Acceleration,
     [](auto& d) { d.mutable_channels(1)->set_name(std::string(65, 'x')); }},
    {"channels[2].name:", Acceleration, [](auto& d) { d.mutable_channels(2)->set_name("c0"); }},
    {"channels[0].unit:", Acceleration, [](auto& d) { d.mutable_channels(0)->set_unit(""); }},
    {"channels[0].unit:", Acceleration, [](auto& d) { d.mutable_channels(0)->set_unit("m s"); }},
    {"channels[0].unit:", Acceleration,
     [](auto& d) { d.mutable_channels(0)->set_unit(std::string(33, 'm')); }},
    {"channels[0].type:", Acceleration,
     [](auto& d) { d.mutable_channels(0)->set_type(v1::CHANNEL_TYPE_UNSPECIFIED); }},
    {"channels[0].type:", Acceleration,
     [](auto& d) { d.mutable_channels(0)->set_type(static_cast<v1::ChannelType>(9)); }},
    {"channels[0].scale:", Acceleration,
     [](auto& d) { d.mutable_channels(0)->set_scale(std::numeric_limits<double>::infinity()); }},
    {"channels[0].scale:", Acceleration,
     [](auto& d) { d.mutable_channels(0)->set_scale(std::numeric_limits<double>::quiet_NaN()); }},
    {"channels[0].offset:", Acceleration,
     [](auto& d) { d.mutable_channels(0)->set_offset(-std::numeric_limits<double>::infinity()); }},
    {"frame:", [] { return Sampled(v1::MODALITY_PPG, 2); },
     [](auto& d) { d.mutable_frame()->set_axes("+x +y +z"); }},
    {"frame.axes:", Acceleration, [](auto& d) { d.mutable_frame()->set_axes("+x +y"); }},
    {"frame.axes:", Acceleration, [](auto& d) { d.mutable_frame()->set_axes("+x +y +y"); }},
    {"frame.axes:", Acceleration, [](auto& d) { d.mutable_frame()->set_axes("x  y  z "); }},
    {"frame.axes:", Acceleration, [](auto& d) { d.mutable_frame()->set_axes("+x,+y,+z"); }},
    {"frame.rest_sign:", Acceleration,
     [](auto& d) { d.mutable_frame()->set_rest_sign(static_cast<v1::RestSign>(7)); }},
    {"frame.rest_sign:", [] { return Sampled(v1::MODALITY_GYROSCOPE, 3); },
     [](auto& d) { d.mutable_frame()->set_rest_sign(v1::REST_SIGN_MINUS_G); }},
    {"frame.quaternion_order:", [] { return Sampled(v1::MODALITY_ATTITUDE, 4); },
     [](auto& d) { d.mutable_frame()->set_quaternion_order("wzyx"); }},
    {"frame:", Acceleration, [](auto& d) { d.mutable_frame()->set_quaternion_order("wxyz"); }},
    {"frame:", Acceleration, [](auto& d) { d.mutable_frame()->set_reference_frame("z-up"); }},
    {"frame.reference_frame:", [] { return Sampled(v1::MODALITY_ATTITUDE, 4); },
     [](auto& d) { d.mutable_frame()->set_reference_frame(std::string(65, 'z')); }},
    {"placement.body_site:", Acceleration,
     [](auto& d) { d.mutable_placement()->set_body_site(std::string(33, 'w')); }},
    {"placement.side:", Acceleration, [](auto& d) { d.mutable_placement()->set_side("Left"); }},
    {"placement.crown_side:", Acceleration,
     [](auto& d) { d.mutable_placement()->set_crown_side("up"); }},
    {"nominal_rate:", Acceleration, [](auto& d) { d.mutable_nominal_rate()->set_denominator(0); }},
    {"nominal_rate:", Acceleration, [](auto& d) { d.mutable_nominal_rate()->set_numerator(0); }},
    {"stamped:", Video, [](auto& d) { d.set_stamped(true); }},
    {"stamped:", Records, [](auto& d) { d.set_stamped(true); }},
    {"stamped:",
     [] {
       v1::StreamDeclaration d = Sampled(v1::MODALITY_INTER_BEAT_INTERVAL, 1);
       d.set_stamped(true);
       return d;
     },
     [](auto& d) { d.set_stamped(false); }},
    {"media_type:", Video, [](auto& d) { d.set_media_type(""); }},
    {"media_type:", Video, [](auto& d) { d.set_media_type("hevc"); }},
    {"media_type:", Video, [](auto& d) { d.set_media_type("video/"); }},
    {"media_type:", Video, [](auto& d) { d.set_media_type("video/" + std::string(123, 'x')); }},
    {"media_type:", Acceleration, [](auto& d) { d.set_media_type("video/hevc"); }},
    {"media_type:", Records, [](auto& d) { d.set_media_type("video/hevc"); }},
};

TEST(StreamCodec, EachRuleIsNamedWhenItIsBroken) {
  int index = 0;
  for (const Rule& rule : kRules) {
    SCOPED_TRACE(testing::Message() << "rule " << index++ << ", " << rule.field);
    v1::StreamDeclaration declaration = rule.start();
    ASSERT_THAT(ValidateDeclaration(declaration), IsOk());
    rule.break_it(declaration);
    EXPECT_THAT(ValidateDeclaration(declaration),
                StatusIs(StatusCode::kInvalidArgument, StartsWith(rule.field)));
    StreamInfo info;
    EXPECT_THAT(DecodeDeclaration(declaration.SerializeAsString(), info),
                StatusIs(StatusCode::kInvalidArgument));
  }
}

TEST(StreamCodec, DecodesWhatCodeNeeds) {
  v1::StreamDeclaration declaration = Acceleration();
  declaration.mutable_channels(1)->set_type(v1::CHANNEL_TYPE_FLOAT64);
  declaration.mutable_channels(1)->set_scale(-0.5);
  declaration.mutable_channels(1)->set_offset(2);
  StreamInfo info;
  ASSERT_THAT(DecodeDeclaration(SerializeDeclaration(declaration), info), IsOk());
  EXPECT_EQ(info.modality, v1::MODALITY_ACCELERATION);
  EXPECT_EQ(info.kind, PayloadKind::kSamples);
  ASSERT_EQ(info.channels.size(), 3u);
  EXPECT_EQ(info.channels[0].scale, 1);
  EXPECT_EQ(info.channels[1].type, signal::SampleType::kFloat64);
  EXPECT_EQ(info.channels[1].scale, -0.5);
  EXPECT_EQ(info.channels[1].offset, 2);
  EXPECT_FALSE(info.stamped);
  EXPECT_EQ(info.period_ns, 10'000'000);
  EXPECT_EQ(info.declaration, SerializeDeclaration(declaration));
}

TEST(StreamCodec, PeriodsAreRoundedAndNeverOverflow) {
  const auto period_of = [](uint32_t numerator, uint32_t denominator) {
    v1::StreamDeclaration declaration = Acceleration();
    declaration.mutable_nominal_rate()->set_numerator(numerator);
    declaration.mutable_nominal_rate()->set_denominator(denominator);
    StreamInfo info;
    EXPECT_THAT(DecodeDeclaration(declaration.SerializeAsString(), info), IsOk());
    return info.period_ns;
  };
  EXPECT_EQ(period_of(44'100, 1), 22'676);
  EXPECT_EQ(period_of(3, 2), 666'666'667);
  EXPECT_EQ(period_of(1, 300), 300'000'000'000);
  EXPECT_EQ(period_of(0, 0), 0);
  EXPECT_EQ(period_of(1, UINT32_MAX), 4'294'967'295'000'000'000);
  EXPECT_EQ(period_of(UINT32_MAX, 1), 0);
}

TEST(StreamCodec, DeclarationsThatMeanTheSameHaveTheSameBytes) {
  const v1::StreamDeclaration plain = Sampled(v1::MODALITY_OTHER, 2);
  v1::StreamDeclaration wordy = plain;
  wordy.mutable_channels(0)->set_scale(1);
  wordy.mutable_channels(1)->set_offset(-0.0);
  wordy.mutable_frame();
  wordy.mutable_placement();
  EXPECT_EQ(SerializeDeclaration(wordy), SerializeDeclaration(plain));
  v1::StreamDeclaration irregular = plain;
  irregular.clear_nominal_rate();
  v1::StreamDeclaration zero_rate = irregular;
  zero_rate.mutable_nominal_rate();
  EXPECT_EQ(SerializeDeclaration(zero_rate), SerializeDeclaration(irregular));
  wordy.mutable_channels(0)->set_scale(2);
  EXPECT_NE(SerializeDeclaration(wordy), SerializeDeclaration(plain));
}

TEST(StreamCodec, RefusesBytesThatAreNoDeclaration) {
  StreamInfo info;
  EXPECT_THAT(DecodeDeclaration("\xFF\xFF", info), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(DecodeDeclaration("", info), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tidemark::store
