#include "study/device_service.h"

#include "study/handle.h"

namespace tidemark::study {

grpc::Status DeviceService::CreateDevice(grpc::ServerContext* context,
                                         const v1::CreateDeviceRequest* request,
                                         v1::CreateDeviceResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.DeviceService/CreateDevice", context, devices_,
                &Devices::Create, *request, response);
}

grpc::Status DeviceService::CreateEnrolmentCode(grpc::ServerContext* context,
                                                const v1::CreateEnrolmentCodeRequest* request,
                                                v1::CreateEnrolmentCodeResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.DeviceService/CreateEnrolmentCode", context, devices_,
                &Devices::CreateEnrolmentCode, *request, response);
}

grpc::Status DeviceService::ListDevices(grpc::ServerContext* context,
                                        const v1::ListDevicesRequest* request,
                                        v1::ListDevicesResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.DeviceService/ListDevices", context, devices_,
                &Devices::List, *request, response);
}

grpc::Status DeviceService::RevokeDevice(grpc::ServerContext* context,
                                         const v1::RevokeDeviceRequest* request,
                                         v1::RevokeDeviceResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.DeviceService/RevokeDevice", context, devices_,
                &Devices::Revoke, *request, response);
}

grpc::Status DeviceService::Enrol(grpc::ServerContext* context, const v1::EnrolRequest* request,
                                  v1::EnrolResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.DeviceService/Enrol", context, enrolment_,
                &Enrolment::Enrol, *request, response);
}

grpc::Status DeviceService::RequestChallenge(grpc::ServerContext* context,
                                             const v1::RequestChallengeRequest* request,
                                             v1::RequestChallengeResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.DeviceService/RequestChallenge", context, sessions_,
                &Sessions::RequestChallenge, *request, response);
}

grpc::Status DeviceService::OpenSession(grpc::ServerContext* context,
                                        const v1::OpenSessionRequest* request,
                                        v1::OpenSessionResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.DeviceService/OpenSession", context, sessions_,
                &Sessions::Open, *request, response);
}

grpc::Status DeviceService::RotateKey(grpc::ServerContext* context,
                                      const v1::RotateKeyRequest* request,
                                      v1::RotateKeyResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.DeviceService/RotateKey", context, enrolment_,
                &Enrolment::RotateKey, *request, response);
}

grpc::Status DeviceService::DeclareStream(grpc::ServerContext* context,
                                          const v1::DeclareStreamRequest* request,
                                          v1::DeclareStreamResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.DeviceService/DeclareStream", context, streams_,
                &Streams::Declare, *request, response);
}

grpc::Status DeviceService::ListStreams(grpc::ServerContext* context,
                                        const v1::ListStreamsRequest* request,
                                        v1::ListStreamsResponse* response) {
  return Handle(*authorizer_, "/tidemark.v1.DeviceService/ListStreams", context, streams_,
                &Streams::List, *request, response);
}

}  // namespace tidemark::study
