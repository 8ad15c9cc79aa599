// Telling the service manager how we are (sd_notify(3)). Without one, nothing happens.
#pragma once

namespace yonroku::control {

void notify_ready();
void notify_reloading();
void notify_stopping();

}  // namespace yonroku::control
