// The one list: every family the driver knows. A new one is a file in families/ and two lines here.

#include "serialbattery/family.hpp"

#include <array>

namespace bms {

extern const Family kJbd;
extern const Family kJbdUp16s;
extern const Family kDaly;
extern const Family kDalyD2;
extern const Family kDalyP81;
extern const Family kJkTtl;
extern const Family kJkPb;
extern const Family kJkBalancer;
extern const Family kAntOld;
extern const Family kAntNew;
extern const Family kHeltecYy;
extern const Family kRenogy;
extern const Family kFelicity;
extern const Family kPace;
extern const Family kPylontech;
extern const Family kDaren;
extern const Family kKs48100;
extern const Family kLifePower4;
extern const Family kSeplos2;
extern const Family kEg4LifePower;
extern const Family kRevov;
extern const Family kSeplos3;
extern const Family kEg4Ll;
extern const Family kPaceModbus;
extern const Family kGobelModbus;
extern const Family kSinowealth;
extern const Family kEcs;
extern const Family kHlpdata;

std::span<const Family* const> families() {
    static constexpr std::array kFamilies{
        &kJbd,        &kJbdUp16s, &kDaly,       &kDalyD2,      &kDalyP81,    &kJkTtl,        &kJkPb,
        &kJkBalancer, &kAntOld,   &kAntNew,     &kHeltecYy,    &kRenogy,     &kFelicity,     &kPace,
        &kPylontech,  &kDaren,    &kKs48100,    &kLifePower4,  &kSeplos2,    &kEg4LifePower, &kRevov,
        &kSeplos3,    &kEg4Ll,    &kPaceModbus, &kGobelModbus, &kSinowealth, &kEcs,          &kHlpdata,
    };
    return kFamilies;
}

}  // namespace bms
