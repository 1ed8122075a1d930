# The filter of MIMEDefang in the lab: what the suggested one does with bad names and viruses.
md_graphdefang_log_enable('mail', 1);

sub filter_begin {
    my ($entity) = @_;
    open(my $mail, '<', './INPUTMSG') or return;
    my $text = join('', <$mail>);
    close($mail);
    if ($text =~ /MXGAUGETESTSIGNATURE/) {
        md_graphdefang_log('virus', 'Lab-Test-Virus', $RelayAddr);
        return action_bounce('Found a virus: Lab-Test-Virus');
    }
    if ($text =~ /GTUBE-STANDARD/) {
        md_graphdefang_log('spam', 1000, $RelayAddr);
        return action_discard();
    }
}

sub filter {
    my ($entity, $name, $ext, $type) = @_;
    if ($name =~ /\.exe$/i) {
        md_graphdefang_log('bad_filename', $name, $type);
        return action_bounce('Attachment not allowed: executable');
    }
    return action_accept();
}

sub filter_end {
    md_graphdefang_log('mail_in');
}
1;
