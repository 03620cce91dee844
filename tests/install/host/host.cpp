// host.cpp: the smallest C++ program outside the tree: links the installed library, asks its version, sees an error.
#include <iostream>
#include <string>

#include <textclf/textclf.h>

int main()
{
    if (std::string(tc_library_version()) != TC_VERSION_STRING) {
        std::cerr << "header " << TC_VERSION_STRING << ", library " << tc_library_version() << "\n";
        return 1;
    }
    if (std::string(tc_status_text(TC_OK)) != "success")
        return 1;
    std::cout << "C++ host of libtextclf " << tc_library_version() << "\n";
    return 0;
}
