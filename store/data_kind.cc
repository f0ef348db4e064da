#include "store/data_kind.h"

namespace tidemark::store {

v1::DataKind DataKindOf(v1::Modality modality) {
  switch (modality) {
    case v1::MODALITY_ACCELERATION:
    case v1::MODALITY_USER_ACCELERATION:
    case v1::MODALITY_GYROSCOPE:
    case v1::MODALITY_MAGNETOMETER:
    case v1::MODALITY_GRAVITY:
    case v1::MODALITY_ATTITUDE:
    case v1::MODALITY_STEP_COUNT:
      return v1::DATA_KIND_MOTION;
    case v1::MODALITY_PPG:
    case v1::MODALITY_HEART_RATE:
    case v1::MODALITY_INTER_BEAT_INTERVAL:
    case v1::MODALITY_ELECTRODERMAL_ACTIVITY:
    case v1::MODALITY_SKIN_TEMPERATURE:
      return v1::DATA_KIND_PHYSIOLOGY;
    case v1::MODALITY_BAROMETER:
    case v1::MODALITY_BATTERY:
    case v1::MODALITY_WEAR_STATE:
    case v1::MODALITY_RECORDS:
      return v1::DATA_KIND_DEVICE;
    case v1::MODALITY_AUDIO:
    case v1::MODALITY_ENCODED_AUDIO:
      return v1::DATA_KIND_AUDIO;
    case v1::MODALITY_ENCODED_VIDEO:
      return v1::DATA_KIND_VIDEO;
    case v1::MODALITY_LOCATION:
      return v1::DATA_KIND_LOCATION;
    default:
      return v1::DATA_KIND_OTHER;
  }
}

}  // namespace tidemark::store
