/* ossl.h - OpenSSL, loaded when it is needed: its only home.
 *
 * Linked with a program it costs that 0.7 ms and 2 MB at each start, also where no TLS
 * is spoken. So its functions are called through ossl.NAME; each that is used has a row here. */
#ifndef MX_OSSL_H
#define MX_OSSL_H

#include <stdbool.h>

#define OPENSSL_SUPPRESS_DEPRECATED	/* ERR_load_*_strings have no heir */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "err.h"
#include "lateload.h"

#define OSSL_FUNCTIONS(F) \
	F(ASN1_STRING_free) F(ASN1_STRING_get0_data) F(ASN1_STRING_length) F(ASN1_STRING_to_UTF8) \
	F(ASN1_TIME_diff) F(ASN1_TIME_set) F(ASN1_TIME_to_tm) F(BIO_free) F(BIO_new) F(BIO_read) \
	F(BIO_s_mem) F(CRYPTO_free) F(ERR_clear_error) F(ERR_load_ASN1_strings) \
	F(ERR_load_BIO_strings) F(ERR_load_EC_strings) F(ERR_load_ERR_strings) \
	F(ERR_load_EVP_strings) F(ERR_load_PEM_strings) F(ERR_load_RSA_strings) \
	F(ERR_load_SSL_strings) F(ERR_load_X509_strings) F(ERR_peek_error) F(ERR_peek_last_error) \
	F(ERR_reason_error_string) F(EVP_Digest) F(EVP_DigestFinal_ex) F(EVP_DigestInit_ex) \
	F(EVP_DigestUpdate) F(EVP_MD_CTX_free) F(EVP_MD_CTX_new) F(EVP_PKEY_get0_type_name) \
	F(EVP_PKEY_get_bits) F(EVP_md5) F(EVP_sha256) F(GENERAL_NAMES_free) F(HMAC) \
	F(OPENSSL_init_ssl) F(OPENSSL_sk_num) F(OPENSSL_sk_value) F(PKCS5_PBKDF2_HMAC) \
	F(SSL_CIPHER_get_bits) F(SSL_CIPHER_get_name) F(SSL_CTX_ctrl) F(SSL_CTX_dane_enable) \
	F(SSL_CTX_free) F(SSL_CTX_get0_certificate) F(SSL_CTX_get0_param) \
	F(SSL_CTX_load_verify_dir) F(SSL_CTX_load_verify_file) F(SSL_CTX_load_verify_locations) \
	F(SSL_CTX_new) F(SSL_CTX_set_cert_verify_callback) F(SSL_CTX_set_default_passwd_cb) \
	F(SSL_CTX_set_default_passwd_cb_userdata) F(SSL_CTX_set_num_tickets) \
	F(SSL_CTX_set_options) F(SSL_CTX_set_security_level) F(SSL_CTX_set_verify) \
	F(SSL_CTX_set_verify_depth) F(SSL_CTX_use_PrivateKey_file) \
	F(SSL_CTX_use_certificate_chain_file) F(SSL_accept) F(SSL_ctrl) F(SSL_dane_enable) \
	F(SSL_dane_set_flags) F(SSL_dane_tlsa_add) F(SSL_do_handshake) F(SSL_free) \
	F(SSL_get0_dane_authority) F(SSL_get0_param) F(SSL_get0_peer_certificate) \
	F(SSL_get0_verified_chain) F(SSL_get_current_cipher) F(SSL_get_error) F(SSL_get_ex_data) \
	F(SSL_get_ex_data_X509_STORE_CTX_idx) F(SSL_get_peer_cert_chain) F(SSL_get_verify_result) \
	F(SSL_get_version) F(SSL_is_init_finished) F(SSL_new) F(SSL_read_ex) F(SSL_set1_host) \
	F(SSL_set_accept_state) F(SSL_set_connect_state) F(SSL_set_ex_data) F(SSL_set_fd) \
	F(SSL_set_hostflags) F(SSL_shutdown) F(SSL_version) F(SSL_write_ex) F(TLS_client_method) \
	F(TLS_server_method) F(X509_NAME_ENTRY_get_data) F(X509_NAME_get_entry) \
	F(X509_NAME_get_index_by_NID) F(X509_NAME_print_ex) F(X509_STORE_CTX_get0_cert) \
	F(X509_STORE_CTX_get_error) F(X509_STORE_CTX_get_ex_data) F(X509_STORE_CTX_set_error) \
	F(X509_VERIFY_PARAM_set1_ip_asc) F(X509_VERIFY_PARAM_set_auth_level) F(X509_cmp_timeframe) \
	F(X509_digest) F(X509_get0_notAfter) F(X509_get0_notBefore) F(X509_get0_pubkey) \
	F(X509_get_default_cert_dir) F(X509_get_ext_d2i) F(X509_get_issuer_name) \
	F(X509_get_subject_name) F(X509_verify_cert) F(X509_verify_cert_error_string)

struct ossl {
	OSSL_FUNCTIONS(LATELOAD_MEMBER)
};
extern struct ossl ossl;

/* Before any use; may be called again. False and *e: this machine has no such OpenSSL. */
bool ossl_load(struct err *e);

#endif
