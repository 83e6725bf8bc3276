"""Do the tests notice when the code is wrong? Small errors, put in one by one."""
